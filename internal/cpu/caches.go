package cpu

import "sync"

// Caches are the data caches that one core sees, in bytes. Where the system does not say, a size is that of a small
// processor of today: 32 KiB, 256 KiB, and no third cache; a line is 64.
//
// How the terms of a sum are cut into blocks decides its rounding, so that no such constant may follow the caches: results would
// depend on the machine. The rows and columns of a block may.
type Caches struct {
	L1D, L2, L3 int // L3 is 0 where there is none; it may be shared by many cores
	Line        int
}

// DataCaches returns the caches of this machine, from CPUID on amd64 and from /sys on other Linux systems.
var DataCaches = sync.OnceValue(func() Caches { return detect().orDefault() })

// orDefault fills in what is not known, or absurd.
func (c Caches) orDefault() Caches {
	const most = 1 << 40
	if c.L1D <= 0 || c.L1D > most {
		c.L1D = 32 << 10
	}
	if c.L2 <= 0 || c.L2 > most {
		c.L2 = 256 << 10
	}
	if c.L3 < 0 || c.L3 > most {
		c.L3 = 0
	}
	if c.Line < 16 || c.Line > 1024 || c.Line&(c.Line-1) != 0 {
		c.Line = 64
	}
	return c
}

// set takes a data or unified cache of a level.
func (c *Caches) set(level, bytes, line int) {
	switch level {
	case 1:
		c.L1D = max(c.L1D, bytes)
	case 2:
		c.L2 = max(c.L2, bytes)
	case 3:
		c.L3 = max(c.L3, bytes)
	}
	if level == 1 {
		c.Line = line
	}
}
