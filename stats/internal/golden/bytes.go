package golden

import (
	"encoding/binary"
	"math"
)

// Bytes turns what a fuzz test is given into numbers of every kind, small and
// usual ones most of the time. After the end of the bytes everything is 0.
type Bytes []byte

// Byte takes one byte.
func (b *Bytes) Byte() byte {
	if len(*b) == 0 {
		return 0
	}
	c := (*b)[0]
	*b = (*b)[1:]
	return c
}

// Below takes a number from 0 to n-1.
func (b *Bytes) Below(n int) int { return int(b.Byte()) % n }

var special = [...]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64, math.SmallestNonzeroFloat64, -math.MaxFloat64, 1e-300, math.Copysign(0, -1), 1e16}

// Float takes a number, one in eight of them unusual.
func (b *Bytes) Float() float64 {
	switch c := b.Byte(); {
	case c < 224:
		return float64(c) / 8
	case c < 248:
		return special[int(c)%len(special)]
	}
	var raw [8]byte
	for i := range raw {
		raw[i] = b.Byte()
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(raw[:]))
}

// Floats takes n numbers.
func (b *Bytes) Floats(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = b.Float()
	}
	return v
}

// Rows takes n rows of p numbers.
func (b *Bytes) Rows(n, p int) [][]float64 {
	v := make([][]float64, n)
	for i := range v {
		v[i] = b.Floats(p)
	}
	return v
}

// Ints takes n numbers below k.
func (b *Bytes) Ints(n, k int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = b.Below(k)
	}
	return v
}

// Bools takes n truths; nil one time in four.
func (b *Bytes) Bools(n int) []bool {
	if b.Below(4) == 0 {
		return nil
	}
	v := make([]bool, n)
	for i := range v {
		v[i] = b.Below(4) > 0
	}
	return v
}

// Finite reports whether no number is NaN or infinite.
func Finite(v ...float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// Seeds are bytes to begin with: sane numbers, some with a missing or an
// infinite one among them, and nothing at all.
func Seeds() [][]byte {
	seeds := [][]byte{{}}
	for k := range 6 {
		b := make([]byte, 400)
		x := uint32(2463534242 + k)
		for i := range b {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			b[i] = byte(x>>8) % 224
			if k > 2 && i%(17+k) == 16 {
				b[i] = 224 + byte(x>>8)%32
			}
		}
		seeds = append(seeds, b)
	}
	return seeds
}
