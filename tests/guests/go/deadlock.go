// SPDX-License-Identifier: Apache-2.0

// Every goroutine waits for ever: Go's runtime must notice, name it and end with exit code 2.
package main

import (
	"fmt"
	"sync"
)

func main() {
	var group sync.WaitGroup
	group.Add(1)
	go func() { group.Wait() }()
	fmt.Println("about to block")
	<-make(chan int)
}
