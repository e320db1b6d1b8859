package arena

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fits returns an error if the machine is smaller than n bytes. Some systems map
// any size and kill the process when it uses what it got.
func fits(n int) error {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return nil // mmap will tell
	}
	if all := (uint64(info.Totalram) + uint64(info.Totalswap)) * uint64(info.Unit); uint64(n) > all {
		return fmt.Errorf("the machine has %d", all)
	}
	return nil
}

// advise asks for large pages. Kernels built without them refuse, and the block
// works without.
func advise(mem []byte) { _ = unix.Madvise(mem, unix.MADV_HUGEPAGE) }

// fault makes the pages of mem exist in one system call, or by writing to them before
// Linux 5.14.
func fault(mem []byte) error {
	switch err := unix.Madvise(mem, unix.MADV_POPULATE_WRITE); err {
	case unix.EINVAL, unix.EINTR, unix.EAGAIN, unix.ENOSYS:
		touch(mem)
		return nil
	default:
		return err
	}
}
