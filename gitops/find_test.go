package gitops

import (
	"slices"
	"strings"
	"testing"
)

func TestDependents(t *testing.T) {
	t.Parallel()
	paths := []string{
		"environments/int/mds/values.yaml", "environments/int/fbv/values.yaml", "environments/int/fbv/values.yaml",
		"environments/int/fbv/secrets.yaml", "environments/int/values.yaml", "environments/int/kv/x/values.yaml",
		"environments/abn/mds/values.yaml", "flat/kv.yaml", "flat/mds.yaml", "flat/.yaml", "flat/svc-a.yml",
		"odd/m\xe4rz", "odd/a\nb.yaml",
	}
	for _, tt := range []struct{ pattern, want string }{
		{"environments/int/*/values.yaml", "fbv=environments/int/fbv/values.yaml mds=environments/int/mds/values.yaml"},
		{"environments/in[a-z]/*/v?lues.yaml", "fbv=environments/int/fbv/values.yaml mds=environments/int/mds/values.yaml"},
		{"flat/*.yaml", "kv=flat/kv.yaml mds=flat/mds.yaml"},
		{"flat/svc-*.yml", "a=flat/svc-a.yml"},
		{"environments/prd/*/values.yaml", ""},
		{"*/abn/mds/*.yaml", "environments=environments/abn/mds/values.yaml"},
		{"environments/*/mds/*.yaml", "abn=environments/abn/mds/values.yaml int=environments/int/mds/values.yaml"},
		{"environments/*/*/values.yaml", `pattern "environments/*/*/values.yaml": service "int" has two files, "environments/int/fbv/values.yaml" and "environments/int/mds/values.yaml": narrow the pattern, or list the services`},
		{"environments/int/mds/values.yaml", `pattern "environments/int/mds/values.yaml": no * to take the service's name from`},
		{"environments/**/values.yaml", `pattern "environments/**/values.yaml": ** is not supported: write one * per directory`},
		{"/environments/*/values.yaml", `pattern "/environments/*/values.yaml": must be relative to the repository, without empty, . and .. segments`},
		{"../*/values.yaml", `pattern "../*/values.yaml": must be relative to the repository, without empty, . and .. segments`},
		{"a//*.yaml", `pattern "a//*.yaml": must be relative to the repository, without empty, . and .. segments`},
		{"a/[/*.yaml", `pattern "a/[/*.yaml": segment "[": syntax error in pattern`},
		{"odd/m\xe4*", `pattern "odd/m\xe4*": the name of file "odd/m\xe4rz" is not text: rename it, or narrow the pattern`},
		{"odd/*.yaml", `pattern "odd/*.yaml": the name of file "odd/a\nb.yaml" is not text: rename it, or narrow the pattern`},
		{"a/*-*.yaml", `pattern "a/*-*.yaml": segment "*-*.yaml" names the service: it may hold one * and no other wildcard`},
	} {
		found, err := Dependents(slices.Clone(paths), tt.pattern)
		words := make([]string, 0, len(found))
		for _, d := range found {
			words = append(words, d.Service+"="+d.File)
		}
		got := strings.Join(words, " ")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Dependents(%q)\n got %s\nwant %s", tt.pattern, got, tt.want)
		}
	}
}
