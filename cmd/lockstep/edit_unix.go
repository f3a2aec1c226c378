//go:build darwin || freebsd || linux || netbsd || openbsd

package main

import (
	"errors"
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

// lock keeps other processes from locking the file that f is, until f is closed. Where
// the file system knows no locks, it does nothing.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return errLocked
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.EBADF): // the last one is how NFS says it
		return nil
	}
	return err
}
