// SPDX-License-Identifier: Apache-2.0

// Prints where it is, what it was given, and what a relative and an absolute path lead to.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	here, err := os.Getwd()
	fmt.Println("in", here, err)
	fmt.Println("args", os.Args[1:])
	fmt.Println("path", os.Getenv("PATH"))
	for _, name := range []string{"beside.txt", filepath.Join(here, "beside.txt")} {
		text, err := os.ReadFile(name)
		fmt.Printf("read %q %v\n", text, err)
	}
	os.Exit(len(os.Args) - 1)
}
