// SPDX-License-Identifier: Apache-2.0

// The Go half of the conformance cases. Each has a twin of the same name in ../FILE.cpp, where
// FILE.go is the file it stands in. With "list" as its argument the program prints the names and
// kinds, with a name it runs that case.
//
// Two kinds, because ordinary Go runs the newest ready goroutine first and Go on wasm does not:
//
//	same   the order is forced by the program: natively, on wasm and on weft it is the same
//	wasm   plain first in, first out: compared with Go as a wasip1 guest
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"time"
)

type caseOf struct {
	kind string
	run  func()
}

var cases = map[string]caseOf{}

func same(name string, run func()) { cases[name] = caseOf{"same", run} }
func wasm(name string, run func()) { cases[name] = caseOf{"wasm", run} }

func say(words ...any) { fmt.Println(words...) }

// settle lets every other goroutine run until it waits. Several times: natively every 61st
// scheduling takes the one that yielded before the others.
func settle() {
	for i := 0; i < 5; i++ {
		runtime.Gosched()
	}
}

// start runs f in a goroutine until it waits.
func start(f func()) {
	go f()
	settle()
}

// busy keeps the thread for d.
func busy(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
	}
}

// caught returns what f panics with.
func caught(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	f()
	return "nothing"
}

func main() {
	if len(os.Args) == 2 && os.Args[1] != "list" {
		cases[os.Args[1]].run()
		return
	}
	var names []string
	for name := range cases {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name, cases[name].kind)
	}
}
