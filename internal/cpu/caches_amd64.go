package cpu

//go:noescape
func cpuid(leaf, sub uint32) (a, b, c, d uint32)

// detect asks the processor, and the kernel where a hypervisor hides them.
func detect() Caches {
	if c := fromCPUID(cpuid); c != (Caches{}) {
		return c
	}
	return ofSystem()
}

// fromCPUID reads the deterministic cache parameters: leaf 4 of Intel's processors (Software Developer's Manual, volume 2, CPUID), leaf
// 0x8000001D of AMD's, which has the same form (Architecture Programmer's Manual, volume 3, E.4.15).
func fromCPUID(cpuid func(leaf, sub uint32) (a, b, c, d uint32)) Caches {
	leaf := uint32(4)
	most, b, c, d := cpuid(0, 0)
	amd := b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163   // AuthenticAMD
	hygon := b == 0x6f677948 && d == 0x6e65476e && c == 0x656e6975 // HygonGenuine
	if amd || hygon {
		const topology = 1 << 22 // of leaf 0x80000001, register c: the leaf exists
		leaf = 0x8000001d
		most, _, _, _ = cpuid(0x80000000, 0)
		if most >= leaf {
			if _, _, c, _ := cpuid(0x80000001, 0); c&topology == 0 {
				return Caches{}
			}
		}
	}
	if most < leaf {
		return Caches{}
	}
	var found Caches
	for sub := range uint32(16) { // there are four or five; the list ends with type 0
		a, b, c, _ := cpuid(leaf, sub)
		const data, unified = 1, 3
		kind := a & 31
		if kind == 0 {
			break
		}
		if kind == data || kind == unified {
			line, partitions, ways := int(b&0xfff)+1, int(b>>12&0x3ff)+1, int(b>>22)+1
			found.set(int(a>>5&7), line*partitions*ways*(int(c)+1), line)
		}
	}
	return found
}
