//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives f to the owner and the group of a file that it is to replace.
func keepOwner(f *os.File, of fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	has, known := info.Sys().(*syscall.Stat_t)
	wants, wanted := of.Sys().(*syscall.Stat_t)
	if !known || !wanted || has.Uid == wants.Uid && has.Gid == wants.Gid {
		return nil
	}
	if err := f.Chown(int(wants.Uid), int(wants.Gid)); err != nil {
		return fmt.Errorf("%s: belongs to user %d and group %d, and cannot stay theirs: edit it as that user: %w", of.Name(), wants.Uid, wants.Gid, err)
	}
	return nil
}
