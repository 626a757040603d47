// SPDX-License-Identifier: Apache-2.0

// Computes for as many rounds as its argument says, and then loses an update in some orders: for
// searches of long schedules.
package main

import (
	"os"
	"strconv"
	"sync"
)

var sink uint32

func step(x uint32) uint32 { return x*1664525 + 1013904223 }

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	x := uint32(1)
	for n := 0; n < rounds; n++ {
		x = step(x)
	}
	sink = x
	var lock sync.Mutex
	var both sync.WaitGroup
	count := 0
	both.Add(2)
	for n := 0; n < 2; n++ {
		go func() {
			defer both.Done()
			lock.Lock()
			seen := count
			lock.Unlock()
			lock.Lock()
			count = seen + 1
			lock.Unlock()
		}()
	}
	both.Wait()
	if count != 2 {
		os.Exit(1)
	}
}
