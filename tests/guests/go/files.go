// SPDX-License-Identifier: Apache-2.0

// Works with files below the directory /data that the host gives it, and tries to leave it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "not as expected:", err)
		os.Exit(1)
	}
}

func mustFail(what string, err error) {
	if err == nil {
		fmt.Fprintln(os.Stderr, "not as expected:", what, "worked")
		os.Exit(1)
	}
}

func names(directory string) []string {
	entries, err := os.ReadDir(directory)
	must(err)
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func makeAndRemove() {
	deep := "/data/deep/er"
	must(os.MkdirAll(deep, 0o755))
	for i := 0; i < 100; i++ {
		must(os.WriteFile(filepath.Join(deep, fmt.Sprint("file", i)), []byte("text"), 0o644))
	}
	if count := len(names(deep)); count != 100 {
		must(fmt.Errorf("%d entries", count))
	}
	must(os.Rename(filepath.Join(deep, "file0"), "/data/deep/moved"))
	info, err := os.Stat("/data/deep/moved")
	must(err)
	if info.Size() != 4 || info.IsDir() {
		must(fmt.Errorf("stat: %v", info))
	}
	must(os.RemoveAll(deep))
}

func stayInside() {
	outside := []string{"/data/outside", "/data/up/x", "/data/../go_tree/kept", "/etc/passwd"}
	for _, path := range outside {
		_, err := os.ReadFile(path)
		mustFail(path, err)
	}
}

func main() {
	greeting, err := os.ReadFile("/data/greeting")
	must(err)
	fmt.Print(string(greeting))
	must(os.WriteFile("/data/kept", []byte("written by a guest\n"), 0o644))
	makeAndRemove()
	fmt.Println(names("/data"))
	stayInside()
	fmt.Println("all as expected")
}
