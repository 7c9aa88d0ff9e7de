package promclient

import (
	"strconv"
	"testing"
)

// The memory of a Shared is bounded, whatever is asked of it.
func TestFifoForgetsTheOldest(t *testing.T) {
	f := fifo[int]{limit: 10}
	for i := range 100 {
		f.add(strconv.Itoa(i), remembered[int]{value: i, size: 1 + i%3})
		size := 0
		for _, r := range f.byKey {
			size += r.size
		}
		if size > 10 || size != f.size || len(f.keys) != len(f.byKey) {
			t.Fatalf("after %d: %d of 10 are taken, %d by its own count, by %d keys of %d", i, size, f.size, len(f.byKey), len(f.keys))
		}
		if r, ok := f.byKey[strconv.Itoa(i)]; !ok || r.value != i {
			t.Fatalf("%d is not remembered", i)
		}
	}
	f.add("large", remembered[int]{size: 11})
	if _, ok := f.byKey["large"]; ok || len(f.byKey) == 0 {
		t.Error("what does not fit must displace nothing")
	}
}
