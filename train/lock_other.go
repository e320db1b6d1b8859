//go:build !unix || aix || solaris

package train

import "os"

// lock holds nothing here: that no two processes train in a folder is left to their user.
func lock(dir string) (*os.File, error) { return nil, nil }
