package bot

import (
	"slices"
	"strings"
	"testing"
)

// badConfigs change smallConfig and want exactly these mistakes, in this order.
var badConfigs = []struct {
	name     string
	old, new string // "" for old: new is the whole file
	want     []string
}{}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range badConfigs {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := tt.new
			if tt.old != "" {
				if text = strings.Replace(smallConfig, tt.old, tt.new, 1); text == smallConfig {
					t.Fatalf("%q is not in the file", tt.old)
				}
			}
			_, err := ParseConfig("lockstep.yaml", []byte(text))
			if got := lines(err); !slices.Equal(got, tt.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
			}
		})
	}
}
