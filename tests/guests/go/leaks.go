// SPDX-License-Identifier: Apache-2.0

// Goroutines that outlive main, in the ways that its arguments name: for `weft test --leaks`.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func sendNobodyReceives() {
	ch := make(chan int)
	go func() { ch <- 1 }()
}

// Two that wait for each other; main has done with them.
func lockOrder() {
	var a, b sync.Mutex
	a.Lock()
	b.Lock()
	go func() {
		b.Lock()
		a.Unlock()
	}()
	go func() {
		a.Lock()
		b.Unlock()
	}()
}

// It ends by itself, a second after main, and prints what nobody reads any more.
func endsLater() {
	go func() {
		time.Sleep(time.Second)
		fmt.Println("printed after main has ended")
	}()
}

// A panic that the program never comes to.
func panicsLater() {
	go func() {
		time.Sleep(time.Second)
		panic("after main has ended")
	}()
}

// It never comes to rest.
func ticksForEver() {
	go func() {
		for range time.Tick(time.Millisecond) {
		}
	}()
}

// It is at rest for a day.
func sleepsLong() {
	go func() { time.Sleep(24 * time.Hour) }()
}

// Two that are blocked for ever, while main waits for them and another one ticks.
func blockedWhileMainRuns() {
	lockOrder()
	ticksForEver()
	select {}
}

// A goroutine of Go's own writes while one of the program's is asleep.
func finalizerWrites() {
	func() {
		object := new([64]byte)
		runtime.SetFinalizer(object, func(*[64]byte) { os.Stderr.WriteString("finalized\n") })
	}()
	go func() {
		runtime.GC()
		time.Sleep(time.Second)
	}()
}

// So many that Go makes more than 20,000 calls to write their stacks.
func crowd() {
	ch := make(chan int)
	for n := 0; n < 2000; n++ {
		go func() { ch <- n }()
	}
}

func main() {
	ways := map[string]func(){
		"send": sendNobodyReceives, "locks": lockOrder, "later": endsLater,
		"panic": panicsLater, "ticks": ticksForEver, "crowd": crowd,
		"sleeps": sleepsLong, "main-waits": blockedWhileMainRuns,
		"finalizer": finalizerWrites,
		"exit":      func() { sendNobodyReceives(); os.Exit(0) },
		"exit-elsewhere": func() {
			go os.Exit(0)
			select {}
		},
	}
	for _, way := range os.Args[1:] {
		ways[way]()
	}
	fmt.Println("main ends")
}
