// SPDX-License-Identifier: Apache-2.0

// time.AfterFunc stops two goroutines that compute, as in golang/go#65178. With an argument a third
// then computes for ever, in a function that calls none and is not the one that it began with:
// others have called it.
package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

//go:noinline
func step(x uint32) uint32 { return x*1664525 + 1013904223 + half(x) }

//go:noinline
func half(x uint32) uint32 {
	if x < 2 {
		return x
	}
	return twice(x) / 4
}

//go:noinline
func twice(x uint32) uint32 {
	var place [1]uint32
	return double(&place, x)
}

//go:noinline
func double(place *[1]uint32, x uint32) uint32 {
	place[0] = 2 * x
	return place[0]
}

func main() {
	var stop atomic.Bool
	var group sync.WaitGroup
	time.AfterFunc(50*time.Millisecond, func() { stop.Store(true) })
	for i := uint32(0); i < 2; i++ {
		group.Add(1)
		go func(x uint32) {
			defer group.Done()
			for ; !stop.Load(); x = step(x) {
			}
		}(i)
	}
	group.Wait()
	fmt.Println("both stopped")
	if len(os.Args) > 1 {
		go begins()
		time.Sleep(time.Hour)
	}
}

//go:noinline
func begins() {
	fmt.Println("it goes deeper", goesOn(7))
}

//go:noinline
func goesOn(x uint32) uint32 {
	var places [40]uint32
	places[x] = half(x)
	return neverEnds(&places, x) + places[x+1]
}

//go:noinline
func neverEnds(places *[40]uint32, x uint32) uint32 {
	var last [16]uint32
	for n := x; ; n = n*1664525 + 1013904223 {
		last[n%16] += places[n%40]
		places[n/2%40] = last[n/2%16]
	}
}
