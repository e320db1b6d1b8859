package cpu

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// ofSystem asks the kernel. Where it has no such folder, as on systems other than Linux, nothing is known.
func ofSystem() Caches { return fromSys(os.DirFS("/sys/devices/system/cpu/cpu0/cache")) }

// fromSys reads the folder /sys/devices/system/cpu/cpu0/cache of Linux: a folder index0, index1, … for each cache, with files type, level, size
// and coherency_line_size. Caches that lack one of the first three are left out: firmware of arm64 systems does not always say.
func fromSys(dir fs.FS) Caches {
	text := func(index, file string) string {
		b, err := fs.ReadFile(dir, index+"/"+file)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	var found Caches
	for i := range 16 {
		index := "index" + strconv.Itoa(i)
		if kind := text(index, "type"); kind != "Data" && kind != "Unified" {
			continue
		}
		level, err := strconv.Atoi(text(index, "level"))
		bytes := sizeOf(text(index, "size"))
		if err != nil || bytes == 0 {
			continue
		}
		line, _ := strconv.Atoi(text(index, "coherency_line_size"))
		found.set(level, bytes, line)
	}
	return found
}

// sizeOf returns the bytes of a size such as 48K or 32M, 0 of anything else.
func sizeOf(text string) int {
	for unit, shift := range map[string]uint{"K": 10, "M": 20, "G": 30} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			if n, err := strconv.Atoi(number); err == nil && n > 0 && n < 1<<20 {
				return n << shift
			}
			return 0
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
