// SPDX-License-Identifier: Apache-2.0

// What may go wrong when a goroutine gives way where the collector does not expect it: goroutines
// that reach their objects only through atomics of sync/atomic, that grow and shrink their stacks
// with pointers in them, and collections all the time. Every object knows what it must hold; a
// round ends when all of them were seen whole. For as many rounds as the argument says.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

const (
	workers = 6
	pushes  = 60
	depth   = 40
)

// node is whole when its words follow from its value.
type node struct {
	next  *node
	value uint64
	words []uint64
	check *uint64
}

func newNode(value uint64) *node {
	check := value * 3
	n := &node{value: value, words: make([]uint64, 1+value%7), check: &check}
	for i := range n.words {
		n.words[i] = value + uint64(i)
	}
	return n
}

func (n *node) mustBeWhole() {
	if *n.check != n.value*3 || len(n.words) != int(1+n.value%7) {
		panic(fmt.Sprint("node ", n.value, " holds ", *n.check, " and ", len(n.words), " words"))
	}
	for i, word := range n.words {
		if word != n.value+uint64(i) {
			panic(fmt.Sprint("node ", n.value, " has the word ", word, " at ", i))
		}
	}
}

// stack is Treiber's: only the head, swapped atomically, keeps its nodes alive.
type stack struct{ head atomic.Pointer[node] }

func (s *stack) push(n *node) {
	for {
		n.next = s.head.Load()
		if s.head.CompareAndSwap(n.next, n) {
			return
		}
	}
}

// popAll takes everything at once, so that no node comes back while others look at it.
func (s *stack) popAll() *node { return s.head.Swap(nil) }

// deep keeps a pointer in each of its frames while the stack grows under it.
func deep(left int, seen *atomic.Uint64) *node {
	mine := newNode(uint64(left))
	if left > 0 {
		under := deep(left-1, seen)
		under.mustBeWhole()
	}
	seen.Add(1)
	mine.mustBeWhole()
	return mine
}

func round(number uint64) {
	var (
		shared  stack
		latest  atomic.Value
		frames  atomic.Uint64
		popped  atomic.Uint64
		sum     atomic.Uint64
		group   sync.WaitGroup
		handOff = make(chan *node, 3)
	)
	latest.Store(newNode(number))
	take := func() {
		for n := shared.popAll(); n != nil; n = n.next {
			n.mustBeWhole()
			popped.Add(1)
			sum.Add(n.value)
		}
	}
	for w := uint64(0); w < workers; w++ {
		group.Add(1)
		go func(w uint64) {
			defer group.Done()
			for i := uint64(0); i < pushes; i++ {
				shared.push(newNode(w*pushes + i))
				latest.Load().(*node).mustBeWhole()
				latest.Store(newNode(number + i))
				switch i % 10 {
				case 3:
					take()
				case 5:
					deep(depth, &frames).mustBeWhole()
				case 7:
					handOff <- newNode(i)
					(<-handOff).mustBeWhole()
				}
			}
		}(w)
	}
	group.Wait()
	take()
	const all = workers * pushes
	if popped.Load() != all || sum.Load() != all*(all-1)/2 {
		panic(fmt.Sprint("popped ", popped.Load(), " nodes with the sum ", sum.Load()))
	}
	if want := uint64(workers * pushes / 10 * (depth + 1)); frames.Load() != want {
		panic(fmt.Sprint(frames.Load(), " frames in place of ", want))
	}
	runtime.GC()
}

func main() {
	rounds := 1
	if len(os.Args) > 1 {
		var err error
		if rounds, err = strconv.Atoi(os.Args[1]); err != nil {
			panic(err)
		}
	}
	for n := 0; n < rounds; n++ {
		round(uint64(n))
	}
	fmt.Println(rounds, "rounds, every object whole")
}
