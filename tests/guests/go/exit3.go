// SPDX-License-Identifier: Apache-2.0

// Ends with os.Exit(3) while another goroutine still sleeps.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	go time.Sleep(time.Hour)
	fmt.Println("leaving with 3")
	os.Exit(3)
}
