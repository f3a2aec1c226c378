package repo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
)

// BenchmarkBump sets a version in 50 files of a repository of 1,000 and pushes that
// as a new branch: once by this package and once by the git CLI with a shallow clone,
// in turn, so that both see the same machine. The metric cli/own is how often longer
// the CLI took.
func BenchmarkBump(b *testing.B) {
	dir := large(b)
	url := listen(b, dir, nil)
	r := &Repo{URL: url, Project: "env/large"}
	var own, cli time.Duration
	n := 0
	for b.Loop() {
		n++
		start := time.Now()
		bumpOwn(b, r, n)
		own += time.Since(start)

		b.StopTimer()
		start = time.Now()
		bumpCLI(b, url, n)
		cli += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(float64(cli.Milliseconds())/float64(n), "cli-ms/op")
	b.ReportMetric(float64(cli)/float64(own), "cli/own")
	for i := 1; i <= n; i++ {
		if diff := git(b, dir, "", "diff", "--stat", fmt.Sprintf("own-%d", i), fmt.Sprintf("cli-%d", i)); diff != "" {
			b.Fatalf("the two ways differ:\n%s", diff)
		}
	}
}

// large makes a bare repository of 1,000 files in 5 environments.
func large(b *testing.B) string {
	dir := filepath.Join(b.TempDir(), "large.git")
	git(b, "", "", "init", "-q", "--bare", "-b", "main", dir)
	git(b, dir, "", "config", "http.receivepack", "true")
	git(b, dir, "", "config", "uploadpack.allowFilter", "true")
	var script strings.Builder
	script.WriteString("commit refs/heads/main\ncommitter P <p@example.com> 1700000000 +0000\ndata 1\nx\n")
	for _, env := range []string{"int", "abn", "lup", "prd", "dev"} {
		for i := range 200 {
			text := fmt.Sprintf("# service %d of %s\ndata:\n  version: \"1.0\"\n", i, env)
			fmt.Fprintf(&script, "M 100644 inline environments/%s/s%03d/values.yaml\ndata %d\n%s\n", env, i, len(text), text)
		}
	}
	git(b, dir, script.String(), "fast-import", "--quiet")
	return dir
}

// edited returns the path of the i-th of the 50 files.
func edited(i int) string { return fmt.Sprintf("environments/int/s%03d/values.yaml", i*4) }

// set is the edit itself, the same in both ways.
func set(content []byte, n int) []byte {
	return []byte(strings.Replace(string(content), `"1.0"`, fmt.Sprintf(`"2.%d"`, n), 1))
}

func bumpOwn(b *testing.B, r *Repo, n int) {
	base, err := r.Branch(b.Context(), "main")
	if err != nil {
		b.Fatal(err)
	}
	files := map[string][]byte{}
	for i := range 50 {
		content, err := base.File(edited(i))
		if err != nil {
			b.Fatal(err)
		}
		files[edited(i)] = set(content, n)
	}
	change := gitops.Change{Branch: fmt.Sprintf("own-%d", n), Title: "bump", When: time.Unix(1800000000, 0)}
	if _, err := r.Push(b.Context(), base, change, files, ""); err != nil {
		b.Fatal(err)
	}
}

func bumpCLI(b *testing.B, url string, n int) {
	clone := filepath.Join(b.TempDir(), fmt.Sprintf("clone-%d", n))
	git(b, "", "", "clone", "-q", "--depth", "1", url, clone)
	for i := range 50 {
		path := filepath.Join(clone, edited(i))
		content, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, set(content, n), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	git(b, clone, "", "commit", "-q", "-a", "-m", "bump")
	git(b, clone, "", "push", "-q", "origin", fmt.Sprintf("HEAD:refs/heads/cli-%d", n))
}
