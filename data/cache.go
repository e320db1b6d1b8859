package data

import (
	"os"
	"path/filepath"
	"slices"
)

// Public are the names of the data sets that package download fetches.
var Public = []string{"mnist", "fashion-mnist", "cifar-10", "cifar-100"}

// CacheDir returns the folder in which a public data set is kept for this user:
//
//	Linux    $XDG_CACHE_HOME/neocog/NAME or ~/.cache/neocog/NAME
//	macOS    ~/Library/Caches/neocog/NAME
//	Windows  %LocalAppData%\neocog\NAME
func CacheDir(name string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "neocog", name), nil
}

// Locate returns where the data of a name are: the name itself, a path, unless there is no such file or folder and it is the
// name of a public data set that the user has downloaded.
func Locate(name string) string {
	if _, err := os.Stat(name); err == nil || !slices.Contains(Public, name) {
		return name
	}
	if dir, err := CacheDir(name); err == nil {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	return name
}

// getHint says how what a folder lacks can be had, if its name is that of a public data set.
func getHint(dir string) string {
	if name := filepath.Base(dir); slices.Contains(Public, name) {
		return "; 'neocog data get " + name + "' downloads it"
	}
	return ""
}
