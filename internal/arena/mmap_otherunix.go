//go:build unix && !linux

package arena

func fits(int) error { return nil } // mmap will tell

func advise([]byte) {}

func fault(mem []byte) error {
	touch(mem)
	return nil
}
