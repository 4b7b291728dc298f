package estimate

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// orderBy returns the numbers 0..n-1 sorted by their keys, of which the first
// width numbers count, and equal ones as they were. The numbers are >= 0. Keys
// small enough to be packed into one number, which they nearly always are, are
// sorted by their digits, and not at all when they are in order.
func orderBy(n, width int, key func(i int) [4]int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	var top [4]int
	for i := range n {
		k := key(i)
		for j := range width {
			top[j] = max(top[j], k[j])
		}
	}
	all := 0
	var size [4]int
	for j := range width {
		size[j] = bits.Len(uint(top[j]))
		all += size[j]
	}
	if all > 63 {
		slices.SortStableFunc(order, func(a, b int32) int {
			ka, kb := key(int(a)), key(int(b))
			return slices.Compare(ka[:width], kb[:width])
		})
		return order
	}
	packed := make([]uint64, n)
	for i := range packed {
		k, x := key(i), uint64(0)
		for j := range width {
			x = x<<size[j] | uint64(k[j])
		}
		packed[i] = x
	}
	if !slices.IsSorted(packed) {
		byDigits(packed, order, all)
	}
	return order
}

// byDigits sorts keys of the given number of bits, and order with them.
func byDigits(key []uint64, order []int32, width int) {
	const digit = 11
	key2, order2 := make([]uint64, len(key)), make([]int32, len(key))
	for shift := 0; shift < width; shift += digit {
		var at [1 << digit]int
		for _, k := range key {
			at[k>>shift&(1<<digit-1)]++
		}
		sum := 0
		for d, n := range at {
			at[d] = sum
			sum += n
		}
		for i, k := range key {
			d := k >> shift & (1<<digit - 1)
			key2[at[d]], order2[at[d]] = k, order[i]
			at[d]++
		}
		key, key2, order, order2 = key2, key, order2, order
	}
	// After an odd number of passes the result lies in the second slices.
	if (width+digit-1)/digit%2 == 1 {
		copy(order2, order)
	}
}

// inParts calls f for the parts [from, to) of 0..n-1, one part per processor at
// the same time when they are worth it, and returns the error of the first part
// that has one. What f does in one part must not depend on another. A panic of f
// is one of the caller.
func inParts(n int, f func(from, to int) error) error {
	parts := min(runtime.GOMAXPROCS(0), n/4096)
	if parts < 2 {
		return f(0, n)
	}
	errs, panics := make([]error, parts), make([]any, parts)
	var all sync.WaitGroup
	for p := range parts {
		all.Go(func() {
			defer func() { panics[p] = recover() }()
			errs[p] = f(p*n/parts, (p+1)*n/parts)
		})
	}
	all.Wait()
	for p := range parts {
		if panics[p] != nil {
			panic(panics[p])
		}
		if errs[p] != nil {
			return errs[p]
		}
	}
	return nil
}
