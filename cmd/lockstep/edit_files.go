package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/alecthomas/kong"

	"lockstep/gitops"
)

// A fileName is the name of a file, of whatever bytes.
type fileName string

// Decode takes it from the command line as it is, where a string would become UTF-8.
func (n *fileName) Decode(ctx *kong.DecodeContext) error {
	*n = fileName(ctx.Scan.Pop().String())
	return nil
}

// A localFile is a file as it was read.
type localFile struct {
	name string
	info fs.FileInfo
	data []byte
}

// readLocal reads a regular file. Symbolic links are refused: what they lead to may
// belong to somebody else, such as another environment.
func readLocal(name string) (localFile, error) {
	info, err := os.Lstat(name)
	switch {
	case name == "":
		return localFile{}, errors.New("the name of a file is empty: name a values file")
	case errors.Is(err, fs.ErrNotExist):
		return localFile{}, fmt.Errorf("%s: there is no such file: give its path as seen from the current directory", name)
	case err != nil:
		return localFile{}, err
	case info.Mode()&fs.ModeSymlink != 0:
		target, _ := os.Readlink(name)
		return localFile{}, fmt.Errorf("%s: is a symbolic link to %s: name that file itself", name, target)
	case !info.Mode().IsRegular():
		return localFile{}, fmt.Errorf("%s: is no regular file: name a values file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return localFile{}, err
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		return localFile{}, fmt.Errorf("%s: was replaced while it was read: try again", name)
	}
	data, err := atMost(f)
	return localFile{name: name, info: info, data: data}, err
}

// atMost reads r, up to a byte more than is edited.
func atMost(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, gitops.MaxSize+1))
}

// writeAll replaces all files that have changed, or none. Each is replaced at once, by
// rename: who reads it sees what it was, or what it is to be.
func writeAll(files []edited, rename func(from, to string) error) error {
	beside, err := stageAll(files)
	defer func() {
		for _, name := range beside {
			os.Remove(name)
		}
	}()
	if err != nil {
		return err
	}
	unlock, err := lockAll(files)
	defer unlock()
	if err == nil {
		err = unchanged(files)
	}
	if err != nil {
		return err
	}
	for i := range files {
		from, changed := beside[files[i].File]
		if !changed {
			continue
		}
		// From here on, what was replaced is put back if another one cannot be.
		if err := rename(from, files[i].File); err != nil {
			return errors.Join(err, putBack(files[:i], rename))
		}
		delete(beside, files[i].File)
		files[i].Written = true
	}
	return nil
}

// stageAll writes the new content of each file that has changed into a file beside it,
// whose names it returns, also with an error.
func stageAll(files []edited) (beside map[string]string, err error) {
	beside = map[string]string{}
	for _, e := range files {
		if e.Changed && e.local.info.Mode().Perm()&0o222 == 0 {
			return beside, fmt.Errorf("%s: is read-only, and no file was written: make it writable", e.File)
		}
	}
	for _, e := range files {
		if e.Changed {
			if beside[e.File], err = e.local.stage(e.after); err != nil {
				delete(beside, e.File)
				return beside, err
			}
		}
	}
	return beside, nil
}

// errLocked says that another process has locked a file.
var errLocked = errors.New("is being edited by another process, and no file was written: try again")

// lockAll locks the files that have changed against other edits, until unlock is called.
func lockAll(files []edited) (unlock func(), err error) {
	var locked []*os.File
	unlock = func() {
		for _, f := range locked {
			f.Close()
		}
	}
	for i, e := range files {
		again := slices.ContainsFunc(files[:i], func(other edited) bool { return os.SameFile(other.local.info, e.local.info) })
		if !e.Changed || again {
			continue
		}
		f, err := os.Open(e.File)
		if err != nil {
			return unlock, err
		}
		locked = append(locked, f)
		if err := lock(f); err != nil {
			return unlock, fmt.Errorf("%s: %w", e.File, err)
		}
	}
	return unlock, nil
}

// unchanged reports a file that does not hold any more what was read.
func unchanged(files []edited) error {
	for _, e := range files {
		if now, err := readLocal(e.File); err != nil || !bytes.Equal(now.data, e.local.data) {
			return fmt.Errorf("%s: was changed while it was edited, and no file was written: try again", e.File)
		}
	}
	return nil
}

// stage writes data to a new file beside l, with its owner, group and mode, and returns its
// name.
func (l localFile) stage(data []byte) (beside string, err error) {
	f, err := os.CreateTemp(filepath.Dir(l.name), "."+filepath.Base(l.name)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, keepOwner(f, l.info), f.Chmod(l.info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// putBack gives those files that were written what they held before.
func putBack(files []edited, rename func(from, to string) error) error {
	var failed []error
	for _, e := range files {
		if !e.Written {
			continue
		}
		beside, err := e.local.stage(e.local.data)
		if err == nil {
			err = rename(beside, e.File)
		}
		if err != nil {
			os.Remove(beside)
			failed = append(failed, fmt.Errorf("%s: holds %s, and cannot be put back: %w", e.File, e.To, err))
		}
	}
	return errors.Join(failed...)
}
