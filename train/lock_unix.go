//go:build unix && !aix && !solaris

package train

import (
	"os"
	"syscall"

	"github.com/pkg/errors"
)

// lock holds a folder for this process until the file that it returns is closed, or the
// process ends in whatever way. A folder that another one holds is an error.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	// A file system without locks must not keep anybody from training.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, errors.Errorf("folder %s is in use: another process trains in it", dir)
	}
	return f, nil
}
