package repo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// environments of the repositories of the benchmark, each with the same services.
var environments = []string{"abn", "dev", "int", "lup", "prd"}

// editedPath returns the path of the i-th of the files that are edited in a repository
// of this size.
func editedPath(size, i int) string {
	return valuesPath("int", i*services(size)/edits)
}

// services returns how many services each environment of a repository of this size
// has: each has two files.
func services(size int) int { return size / len(environments) / 2 }

func valuesPath(environment string, service int) string {
	return fmt.Sprintf("environments/%s/svc-%05d/values.yaml", environment, service)
}

// large returns a bare repository of size files with some history, as a server keeps
// it. It is made once and kept in the directory for temporary files; the one that is
// returned is a copy of its own.
func large(t *testing.T, size int) string {
	t.Helper()
	kept := filepath.Join(os.TempDir(), "lockstep-bench-1", fmt.Sprintf("%d.git", size))
	if _, err := os.Stat(kept); errors.Is(err, os.ErrNotExist) {
		fmt.Printf("(a repository of %d files is made, once)\n", size)
		if err := generate(kept, size); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "env.git")
	git(t, "", "", "clone", "-q", "--bare", "--local", kept, dir)
	for key, value := range map[string]string{
		"http.receivepack": "true", "uploadpack.allowFilter": "true", "gc.auto": "0", "receive.autogc": "false",
	} {
		git(t, dir, "", "config", key, value)
	}
	return dir
}

// generate makes the repository of large, complete or not at all.
func generate(kept string, size int) error {
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(kept), "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := run("", "", "init", "-q", "--bare", "-b", "main", dir); err != nil {
		return err
	}
	out, in := io.Pipe()
	go func() {
		w := bufio.NewWriter(in)
		script(w, size)
		in.CloseWithError(w.Flush())
	}()
	load := exec.Command("git", "fast-import", "--quiet")
	load.Dir, load.Stdin = dir, out
	if text, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("git fast-import: %v\n%s", err, text)
	}
	if _, err := run(dir, "", "repack", "-a", "-d", "-f", "-q", "--window=4", "--write-bitmap-index"); err != nil {
		return err
	}
	return os.Rename(dir, kept)
}

// script writes what fast-import makes the repository of: all files in the first
// commit, and 300 commits of people who change a service each.
func script(w io.Writer, size int) {
	commit := func(n int, title string) {
		fmt.Fprintf(w, "commit refs/heads/main\ncommitter Person <person@example.com> %d +0100\ndata %d\n%s\n", 1700000000+n*600, len(title), title)
	}
	file := func(path, text string) { fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text) }
	commit(0, "all services")
	file("README.md", "# Environments\n")
	file("helmfile.yaml.gotmpl", "environments:\n  {{ .Environment.Name }}: {}\nreleases: []\n")
	for e, environment := range environments {
		for s := range services(size) {
			file(valuesPath(environment, s), valuesText(e, s, 0))
			file(fmt.Sprintf("environments/%s/svc-%05d/secrets.yaml", environment, s), fmt.Sprintf("# sops\npassword: ENC[%d]\n", noise(e, s, 0)))
		}
	}
	for n := 1; n <= 300; n++ {
		e, s := n%len(environments), int(noise(n, 0, 0)%uint32(services(size)))
		commit(n, fmt.Sprintf("svc-%05d: more memory in %s", s, environments[e]))
		file(valuesPath(environments[e], s), valuesText(e, s, n))
	}
}

// advance moves main of a repository of size files by a commit of a person, the n-th since
// large made it: a secret of one service changes, in one environment after the other.
func advance(t *testing.T, dir string, size, n int) {
	t.Helper()
	path := filepath.Join(filepath.Dir(valuesPath(environments[n%len(environments)], int(noise(n, 1, 0)%uint32(services(size))))), "secrets.yaml")
	text := fmt.Sprintf("# sops\npassword: ENC[%d]\n", noise(n, 1, 1))
	git(t, dir, fmt.Sprintf("commit refs/heads/main\ncommitter Person <person@example.com> %d +0100\ndata 10\nnew secret\nfrom refs/heads/main^0\n"+
		"M 100644 inline %s\ndata %d\n%s\n", 1710000000+n*600, path, len(text), text), "fast-import", "--quiet")
}

// valuesText returns a values file of about 1.2 KB.
func valuesText(environment, service, n int) string {
	text := fmt.Sprintf("# values of service %d in %s\nimage:\n  repository: registry.example.com/services/svc-%05d\n  digest: sha256:%08x%08x\n"+
		"data:\n  package: mda\n  version: \"1.0\" # set by lockstep\nresources:\n  requests:\n    memory: %dMi\nenv:\n",
		service, environments[environment], service, noise(environment, service, n), noise(service, environment, n), 128+n)
	for i := range 24 {
		text += fmt.Sprintf("  - name: SETTING_%02d\n    value: \"%x\"\n", i, noise(service, i, environment))
	}
	return text
}

// noise returns a number that looks random and is always the same.
func noise(a, b, c int) uint32 {
	h := uint32(2166136261)
	for _, v := range []int{a, b, c} {
		for range 4 {
			h = (h ^ uint32(v&0xff)) * 16777619
			v >>= 8
		}
	}
	return h
}
