package simd

import "unsafe"

// Philox fills r, whose length is a multiple of four, with random numbers: the
// blocks of Philox-4x32-10 for a key, and for counter, counter+1, …, where the first
// two words are one number of 64 bits, the low word first.
//
// Salmon, Moraes, Dror and Shaw, “Parallel Random Numbers: As Easy as 1, 2, 3”, SC
// 2011, section 3.3.
func Philox(r []uint32, counter [4]uint32, key [2]uint32) {
	if len(r)%4 != 0 {
		panic("simd: the random numbers are no whole blocks")
	}
	// A kernel makes 64 numbers at a time and does not carry from word to word.
	done := 0
	if uint64(counter[0])+uint64(len(r)/4) <= 1<<32 {
		state := philoxState{counter, key}
		p := args{dst: at(r), a: unsafe.Pointer(&state), end: len(r) &^ 63}
		if run(philoxKernel, &p) {
			done = p.end
		}
	}
	n := uint64(counter[1])<<32 | uint64(counter[0])
	for ; done < len(r); done += 4 {
		m := n + uint64(done/4)
		block := philox([4]uint32{uint32(m), uint32(m >> 32), counter[2], counter[3]}, key)
		copy(r[done:], block[:])
	}
}

type philoxState struct {
	counter [4]uint32
	key     [2]uint32
}

func philox(c [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		a, b := uint64(c[0])*0xD2511F53, uint64(c[2])*0xCD9E8D57
		c = [4]uint32{uint32(b>>32) ^ c[1] ^ key[0], uint32(b), uint32(a>>32) ^ c[3] ^ key[1], uint32(a)}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return c
}

// Drop computes y = x·scale where r ≥ threshold, else 0, be x NaN.
func Drop[T Float](y, x []T, r []uint32, threshold uint32, scale T) {
	same(len(y), len(x), len(r))
	if s := single(y); s != nil {
		p := args{dst: at(s), a: at(single(x)), b: at(r), c: unsafe.Pointer(&threshold), end: len(s), f: [8]float32{float32(scale)}}
		if run(dropKernel, &p) {
			return
		}
	}
	for i, v := range x {
		y[i] = 0
		if r[i] >= threshold {
			y[i] = v * scale
		}
	}
}
