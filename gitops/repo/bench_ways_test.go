package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	gogitobject "github.com/go-git/go-git/v5/plumbing/object"

	"lockstep/gitops"
)

// A cost is what it took to do the work once.
type cost struct {
	Wall, CPU time.Duration // CPU of the client alone, with all its processes
	Memory    int64         // peak of the client in bytes: above its idle floor, or of the largest of its processes
}

// A job is the work: set the version in the files of a repository of Size, and push
// that as a branch.
type job struct {
	URL    string
	Size   int
	Branch string
}

// A way does the work in one manner.
type way struct {
	name  string
	sizes int  // up to which size it is tried
	moved bool // somebody changes main before it is measured
	do    func(job) (cost, error)
	end   func() // may be nil
}

// ways returns the ways to compare, this package's the first and what it is measured
// by the second.
func ways(t *testing.T) []way {
	own, endOwn := remote(t, "own")
	first, endFirst := remote(t, "first")
	worktree, endWorktree := remote(t, "go-git")
	return []way{
		{name: "lockstep", sizes: 100_000, do: own, end: endOwn},
		{name: "git clone --depth 1", sizes: 100_000, do: byCLI(t, shallow)},
		{name: "lockstep, when main has moved", sizes: 100_000, moved: true, do: own},
		{name: "lockstep, the first time after its start", sizes: 100_000, do: first, end: endFirst},
		{name: "git clone --depth 1 --filter=blob:none + sparse", sizes: 100_000, do: byCLI(t, sparse)},
		{name: "go-git, depth 1, worktree", sizes: 1_000, do: worktree, end: endWorktree},
	}
}

// inClient names the way of this process when it is a client of the benchmark.
const inClient = "LOCKSTEP_BENCH_CLIENT"

// remote starts a process of its own for a way, so that its costs are its own. It takes
// one job a line and answers with the cost.
func remote(t *testing.T, name string) (do func(job) (cost, error), end func()) {
	t.Helper()
	client := exec.Command(os.Args[0])
	client.Env = append(os.Environ(), inClient+"="+name)
	client.Stderr = os.Stderr
	in, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	ask, answer := json.NewEncoder(in), json.NewDecoder(out)
	do = func(j job) (c cost, err error) {
		if err := ask.Encode(j); err != nil {
			return c, err
		}
		return c, answer.Decode(&c)
	}
	return do, func() {
		in.Close()
		if err := client.Wait(); err != nil {
			t.Errorf("client %s: %v", name, err)
		}
	}
}

// serveJobs is the process that remote starts.
func serveJobs(name string) error {
	do := map[string]func(context.Context, job) error{"own": bumpOwn(), "first": bumpFirst, "go-git": bumpWorktree}[name]
	floor := memoryOf("VmRSS")
	jobs, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var j job
		switch err := jobs.Decode(&j); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		began, used := time.Now(), usage()
		if err := do(context.Background(), j); err != nil {
			return err
		}
		c := cost{Wall: time.Since(began), CPU: usage() - used, Memory: memoryOf("VmHWM") - floor}
		if err := answers.Encode(c); err != nil {
			return err
		}
	}
}

// usage returns the processor time that this process has used.
func usage() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// memoryOf returns a figure of this process in bytes, 0 where there is no /proc.
func memoryOf(name string) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// newVersion is what the work sets.
const newVersion = "2.0"

// bumpOwn does the work with this package and its editor.
func bumpOwn() func(context.Context, job) error {
	repos := map[string]*Repo{}
	return func(ctx context.Context, j job) error {
		if repos[j.URL] == nil {
			repos[j.URL] = &Repo{URL: j.URL, Project: "env/large"}
		}
		return repos[j.URL].bump(ctx, j)
	}
}

// bumpFirst does the same without what earlier bumps have learned of the repository.
func bumpFirst(ctx context.Context, j job) error {
	return (&Repo{URL: j.URL, Project: "env/large"}).bump(ctx, j)
}

func (r *Repo) bump(ctx context.Context, j job) error {
	c := gitops.Change{Branch: j.Branch, Title: "bump", When: time.Unix(1800000000, 0)}
	for i := range edits {
		place := gitops.Place{Repo: r.Project, File: editedPath(j.Size, i), Key: "data.version"}
		c.Bumps = append(c.Bumps, gitops.Bump{Place: place, From: "1.0", To: newVersion})
	}
	base, err := r.Branch(ctx, "main", c.Files()...)
	if err != nil {
		return err
	}
	files, err := c.Apply(base.File)
	if err != nil {
		return err
	}
	_, err = r.Push(ctx, base, c, files, "")
	return err
}

// byCLI does the work with the git CLI, after clone has made a worktree.
func byCLI(t *testing.T, clone func(*commands, job, string)) func(job) (cost, error) {
	return func(j job) (cost, error) {
		dir, err := os.MkdirTemp(t.TempDir(), "clone-")
		if err != nil {
			return cost{}, err
		}
		defer os.RemoveAll(dir)
		c := &commands{}
		began := time.Now()
		clone(c, j, dir)
		if c.err == nil {
			c.err = editIn(dir, j.Size)
		}
		c.git(dir, "commit", "-q", "-a", "-m", "bump")
		c.git(dir, "push", "-q", "origin", "HEAD:refs/heads/"+j.Branch)
		c.Wall = time.Since(began)
		return c.cost, c.err
	}
}

func shallow(c *commands, j job, dir string) {
	c.git("", "clone", "-q", "--depth", "1", j.URL, dir)
}

func sparse(c *commands, j job, dir string) {
	c.git("", "clone", "-q", "--depth", "1", "--filter=blob:none", "--no-checkout", j.URL, dir)
	directories := []string{"sparse-checkout", "set", "--cone", "--sparse-index"}
	for i := range edits {
		directories = append(directories, filepath.Dir(editedPath(j.Size, i)))
	}
	c.git(dir, directories...)
	c.git(dir, "checkout", "-q", "main")
}

// editIn sets the version in the files of a worktree.
func editIn(dir string, size int) error {
	for i := range edits {
		path := filepath.Join(dir, editedPath(size, i))
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text = []byte(strings.Replace(string(text), `"1.0"`, `"`+newVersion+`"`, 1))
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// commands adds up what git commands cost, until one fails.
type commands struct {
	cost
	err error
}

func (c *commands) git(dir string, args ...string) {
	if c.err != nil {
		return
	}
	cmd := exec.Command("git", args...)
	if _, c.err = execute(cmd, dir, ""); c.err != nil {
		return
	}
	c.CPU += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.Memory = max(c.Memory, r.Maxrss<<10)
	}
}

// bumpWorktree does the work with go-git as its manual shows it.
func bumpWorktree(ctx context.Context, j job) error {
	dir, err := os.MkdirTemp("", "lockstep-worktree-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	clone, err := gogit.PlainCloneContext(ctx, dir, false, &gogit.CloneOptions{URL: j.URL, Depth: 1})
	if err != nil {
		return err
	}
	tree, err := clone.Worktree()
	if err != nil {
		return err
	}
	if err := editIn(dir, j.Size); err != nil {
		return err
	}
	for i := range edits {
		if _, err := tree.Add(editedPath(j.Size, i)); err != nil {
			return err
		}
	}
	who := &gogitobject.Signature{Name: "Person", Email: "person@example.com", When: time.Unix(1800000000, 0)}
	id, err := tree.Commit("bump", &gogit.CommitOptions{Author: who})
	if err != nil {
		return err
	}
	spec := config.RefSpec(fmt.Sprintf("%s:refs/heads/%s", id, j.Branch))
	return clone.PushContext(ctx, &gogit.PushOptions{RefSpecs: []config.RefSpec{spec}})
}
