// SPDX-License-Identifier: Apache-2.0

// Sleeps 300 ms, then says so.
package main

import (
	"fmt"
	"time"
)

func main() {
	start := time.Now()
	time.Sleep(300 * time.Millisecond)
	fmt.Println("slept", time.Since(start) >= 300*time.Millisecond)
}
