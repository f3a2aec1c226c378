//go:build !(darwin || freebsd || linux || netbsd || openbsd)

package main

import (
	"io/fs"
	"os"
)

// keepOwner does nothing where files have no owner to keep.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// lock does nothing where a file that is open cannot be replaced.
func lock(*os.File) error { return nil }
