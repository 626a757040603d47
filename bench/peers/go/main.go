// SPDX-License-Identifier: Apache-2.0

// The Go peer: goroutines with GOMAXPROCS=1. bench/peers/README.md says what each benchmark does.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// What was measured: of all operations together, in unit.
type sample struct {
	total      float64
	unit       string
	operations int
	checksum   int
}

func nsSince(start time.Time, operations, checksum int) sample {
	return sample{float64(time.Since(start).Nanoseconds()), "ns", operations, checksum}
}

type benchmark struct {
	name string
	run  func(n int) sample
}

func benchmarks() []benchmark {
	var all []benchmark
	add := func(kind string, run func(size, n int) sample, sizes ...int) {
		for _, size := range sizes {
			size := size // Go 1.21 has one for the whole loop.
			all = append(all, benchmark{
				kind + "/" + strconv.Itoa(size), func(n int) sample { return run(size, n) }})
		}
	}
	add("yield", yields, 2, 10, 100, 1_000, 10_000, 100_000)
	all = append(all, benchmark{"spawn_join/pooled", spawnJoinPooled})
	all = append(all, benchmark{"spawn_join/task", spawnJoin})
	add("chan/round_trip", roundTrips, 0)
	all = append(all, benchmark{"mutex/hand_off", mutexHandOffs})
	all = append(all, benchmark{"select/2", selectOf2}, benchmark{"select/10", selectOf10})
	add("timer/arm_cancel", armCancel, 1_000)
	add("sleepers", sleepers, 1_000, 100_000)
	add("skynet", skynets, 100_000, 1_000_000)
	add("parked", parked, 1_000, 100_000, 1_000_000)
	return all
}

// Calls run with more and more operations until it takes long enough.
func measure(run func(n int) sample, milliseconds float64) sample {
	for wanted := 1; ; {
		start := time.Now()
		s := run(wanted)
		spent := time.Since(start).Seconds() * 1e3
		if spent >= milliseconds || s.unit == "bytes" {
			return s
		}
		more := min(max(1.4*milliseconds/max(spent, 1e-6), 1.5), 10)
		wanted = int(float64(s.operations)*more) + 1
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(64)
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) == 2 && os.Args[1] == "--list" {
		var names []string
		for _, b := range benchmarks() {
			names = append(names, strconv.Quote(b.name))
		}
		fmt.Printf("{\"peer\": \"go\", \"version\": \"%s, GOMAXPROCS=1\", \"benchmarks\": [%s]}\n",
			runtime.Version(), strings.Join(names, ", "))
		return
	}
	if len(os.Args) != 3 {
		fail("use: PROGRAM --list | PROGRAM NAME MILLISECONDS")
	}
	milliseconds, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		fail("use: PROGRAM --list | PROGRAM NAME MILLISECONDS")
	}
	for _, b := range benchmarks() {
		if b.name == os.Args[1] {
			s := measure(b.run, milliseconds)
			fmt.Printf("{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.4f, \"operations\": %d, "+
				"\"checksum\": %d}\n", b.name, s.unit, s.total/float64(s.operations), s.operations,
				s.checksum)
			return
		}
	}
	fail("no benchmark is called '" + os.Args[1] + "': see --list")
}
