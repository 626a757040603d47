// SPDX-License-Identifier: Apache-2.0

// copytree FROM TO: copies a tree, files, directories and symbolic links, and says how many.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

func copyLink(from, to string) error {
	text, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(text, to)
}

func main() {
	from, to := os.Args[1], os.Args[2]
	copied := 0
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, path[len(from):])
		if entry.IsDir() {
			return os.Mkdir(target, 0o777)
		}
		copied++
		if entry.Type()&fs.ModeSymlink != 0 {
			return copyLink(path, target)
		}
		return copyFile(path, target)
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("copied", copied)
}
