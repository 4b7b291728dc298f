// Package sampling plans how many to ask, divides that among places, and draws
// who is asked, so that anybody with the seed and the list can draw again and
// find the same people.
package sampling

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strconv"
)

// Seed is all the chance in a draw: 128 bits, written as 32 hexadecimal digits,
// to be fixed and published before the draw, by dice or a lottery's numbers.
type Seed struct{ Hi, Lo uint64 }

// ErrSeed says that a text is no seed.
var ErrSeed = errors.New("sampling: a seed is 32 hexadecimal digits")

// ParseSeed reads what String has written. It returns ErrSeed for anything else.
func ParseSeed(s string) (Seed, error) {
	if len(s) != 32 {
		return Seed{}, ErrSeed
	}
	hi, err1 := strconv.ParseUint(s[:16], 16, 64)
	lo, err2 := strconv.ParseUint(s[16:], 16, 64)
	if err1 != nil || err2 != nil {
		return Seed{}, ErrSeed
	}
	return Seed{hi, lo}, nil
}

// String returns the seed as 32 hexadecimal digits.
func (s Seed) String() string { return fmt.Sprintf("%016x%016x", s.Hi, s.Lo) }

// For returns the seed of a part of the draw, such as the stratum of that name.
// Parts are as good as independent, and a stratum's draw stays the same
// whatever other strata there are and in whatever order they come. It is two
// FNV-1a hashes (64 bits, from the standard offset XOR Hi and XOR Lo) of the
// name's bytes, each finished by the mixer of SplitMix64.
func (s Seed) For(name string) Seed {
	const offset, prime = 14695981039346656037, 1099511628211
	hash := func(h uint64) uint64 {
		for i := range len(name) {
			h = (h ^ uint64(name[i])) * prime
		}
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		return h ^ h>>31
	}
	return Seed{hash(offset ^ s.Hi), hash(offset ^ s.Lo ^ 0x9e3779b97f4a7c15)}
}

// Source gives the random numbers of one draw: PCG-DXSM with 128 bits of state,
// as math/rand/v2 defines it, and whole numbers made of it by Lemire's method.
// Both are integer arithmetic, so every machine gets the same.
//
// See O'Neill (2014), PCG: A family of simple fast space-efficient
// statistically good algorithms; Lemire (2019), ACM Trans. Model. Comput.
// Simul. 29(1), 3.
type Source struct{ pcg *rand.PCG }

// Source starts the numbers that belong to the seed.
func (s Seed) Source() *Source { return &Source{rand.NewPCG(s.Hi, s.Lo)} }

// Uint64 returns the next 64 bits, which makes a Source a rand.Source.
func (s *Source) Uint64() uint64 { return s.pcg.Uint64() }

// Below returns a whole number from 0 to n-1, all exactly equally likely. It
// panics when n is 0.
func (s *Source) Below(n uint64) uint64 {
	if n == 0 {
		panic("sampling: no number is below 0")
	}
	for {
		hi, lo := bits.Mul64(s.pcg.Uint64(), n)
		if lo >= n || lo >= -n%n { // the second costs a division, and decides seldom
			return hi
		}
	}
}

// Shuffle puts n things in random order, all orders exactly equally likely;
// swap exchanges two of them. It is Fisher and Yates from the end: place i gets
// what was at Below(i+1). It panics when n is negative.
func (s *Source) Shuffle(n int, swap func(i, j int)) {
	if n < 0 {
		panic(fmt.Sprintf("sampling: %d things to shuffle", n))
	}
	for i := n - 1; i > 0; i-- {
		swap(i, int(s.Below(uint64(i+1))))
	}
}
