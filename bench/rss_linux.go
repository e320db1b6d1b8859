package bench

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// resetPeak gives memory that is no longer used back, and lets peakRSS begin anew.
func resetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where it is forbidden the peak is that of the whole process
}

// peakRSS returns the most memory that the process has held since resetPeak, 0 if the system does not say.
func peakRSS() int64 { return kibOf("/proc/self/status", "VmHWM:") }

// availableMemory returns how much memory a process can have before others must give theirs up, 0 if the system does not say.
func availableMemory() int64 { return kibOf("/proc/meminfo", "MemAvailable:") }

// kibOf returns the number of KiB behind a name in a file of /proc, in bytes.
func kibOf(file, name string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}
