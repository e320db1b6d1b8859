package cpu

import "testing"

// Registers of processors, as their manuals and the tool cpuid list them.
func TestCachesOfCPUID(t *testing.T) {
	type leaf struct{ leaf, sub uint32 }
	intel, amd := [4]uint32{0x20, 0x756e6547, 0x6c65746e, 0x49656e69}, [4]uint32{0x10, 0x68747541, 0x444d4163, 0x69746e65}
	for _, c := range []struct {
		name   string
		leaves map[leaf][4]uint32
		want   Caches
	}{
		{"Sapphire Rapids", map[leaf][4]uint32{
			{0, 0}: intel,
			{4, 0}: {0xfc004121, 0x02c0003f, 63, 0}, // 12 ways of 64 lines
			{4, 1}: {0xfc004122, 0x01c0003f, 63, 0},
			{4, 2}: {0xfc01c143, 0x03c0003f, 2047, 0},
			{4, 3}: {0xfc1fc163, 0x0380003f, 114687, 0},
		}, Caches{48 << 10, 2 << 20, 105 << 20, 64}},
		{"Zen 4", map[leaf][4]uint32{
			{0, 0}:          amd,
			{0x80000000, 0}: {0x80000028, 0, 0, 0},
			{0x80000001, 0}: {0, 0, 1 << 22, 0},
			{0x8000001d, 0}: {0x4121, 0x01c0003f, 63, 0},
			{0x8000001d, 1}: {0x4122, 0x01c0003f, 63, 0},
			{0x8000001d, 2}: {0x4143, 0x01c0003f, 2047, 2},
			{0x8000001d, 3}: {0x1c163, 0x03c0003f, 32767, 1},
		}, Caches{32 << 10, 1 << 20, 32 << 20, 64}},
		{"an AMD without the leaf", map[leaf][4]uint32{{0, 0}: amd, {0x80000000, 0}: {0x8000001e, 0, 0, 0}}, Caches{}},
		{"an old processor", map[leaf][4]uint32{{0, 0}: {2, 0x756e6547, 0x6c65746e, 0x49656e69}}, Caches{}},
		{"a virtual machine that hides them", map[leaf][4]uint32{{0, 0}: intel}, Caches{}},
	} {
		got := fromCPUID(func(l, sub uint32) (a, b, c2, d uint32) {
			r := c.leaves[leaf{l, sub}]
			return r[0], r[1], r[2], r[3]
		})
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
