// SPDX-License-Identifier: Apache-2.0

// Polls until time has passed, and then exits with 3: where computing takes no time it never does.
package main

import (
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

func main() {
	var due atomic.Bool
	go func() {
		time.Sleep(100 * time.Millisecond)
		due.Store(true)
	}()
	for !due.Load() {
		runtime.Gosched()
	}
	os.Exit(3)
}
