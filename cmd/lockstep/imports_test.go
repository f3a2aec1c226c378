package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// edges is what one package may import of ours.
type edges struct {
	name    string
	imports []string
}

// mayImport is the order of the house: what each package may import of ours. Imports
// go one way, from the bottom of this table to its top.
var mayImport = []edges{
	{"gitops", nil},
	{"gitops/repo", []string{"gitops"}},
	{"gitops/gitlab", []string{"gitops"}},
	{"gitops/watch", []string{"gitops"}},
	{"gates", []string{"gitops"}},
	{"rollback", []string{"gitops"}},
	{"bot", []string{"gitops", "gates", "rollback"}},
	{"bot/store", []string{"bot", "gitops"}},
	{"bot/engine", []string{"bot", "bot/store", "gitops"}},
	{"bot/data", []string{"bot", "gitops"}},
	{"bot/trigger", []string{"bot", "gitops"}},
	{"bot/notify", []string{"bot", "gitops"}},
	{"bot/web", []string{"bot", "gitops"}},
	{"fixtures", nil},
	{"cmd/lockstep", []string{
		"gitops", "gitops/repo", "gitops/gitlab", "gitops/watch", "gates", "bot", "bot/store", "bot/engine",
		"bot/data", "bot/trigger", "bot/notify", "bot/web", "fixtures",
	}},
}

// onlyIn holds libraries that one package alone may import, so that a change of that
// library touches one folder. The simulated outside is not ours to hold to that.
var onlyIn = map[string]string{
	"github.com/xanzy/go-gitlab":                    "gitops/gitlab",
	"github.com/dbos-inc/dbos-transact-golang/dbos": "bot/engine",
	"github.com/go-git/go-git/v5":                   "gitops/repo",
	"sigs.k8s.io/kustomize/kyaml":                   "gitops",
	"github.com/helmfile/vals":                      "bot/data",
	"github.com/wneessen/go-mail":                   "bot/notify",

	"github.com/netresearch/go-cron": "bot",
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..":
			return filepath.SkipDir
		case strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go"):
			relative, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			checkImports(t, file, filepath.ToSlash(relative))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkImports holds the imports of one file against the table.
func checkImports(t *testing.T, file, relative string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	from := path.Dir(relative)
	at := slices.IndexFunc(mayImport, func(p edges) bool { return p.name == from })
	if at < 0 {
		t.Errorf("%s: package %s is not in the table of architecture", relative, from)
		return
	}
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if ours, ok := strings.CutPrefix(name, "lockstep/"); ok && !slices.Contains(mayImport[at].imports, ours) {
			t.Errorf("%s imports %s, but %s may import only %q of ours", relative, ours, from, mayImport[at].imports)
		}
		for library, home := range onlyIn {
			if (name == library || strings.HasPrefix(name, library+"/")) && from != home && from != "fixtures" {
				t.Errorf("%s imports %s, which is %s's alone", relative, name, home)
			}
		}
	}
}

// The table itself goes one way: no package names one that stands below it.
func TestTableGoesOneWay(t *testing.T) {
	t.Parallel()
	above := map[string]bool{}
	for _, p := range mayImport {
		for _, name := range p.imports {
			if !above[name] {
				t.Errorf("%s may import %s, which stands below it", p.name, name)
			}
		}
		above[p.name] = true
	}
}
