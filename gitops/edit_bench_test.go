package gitops

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// helmfileValues is a values file of 1.2 KB, as helmfile repositories have them.
var helmfileValues = []byte(`# mds: master data service, environment int
image:
  repository: registry.example.com/shop/mds   # built by shop/mds
  tag: "4.2.0"
  pullPolicy: IfNotPresent

` + strings.Repeat("# Kept in step with the load test: ask the team before you change it.\n", 8) + `
replicas: 3
resources:
  requests: {cpu: 250m, memory: 512Mi}
  limits: {cpu: "1", memory: 1Gi}

data:
  # set by the data pipeline
  version: 2026.11.3 # the data version
  bucket: preview

env:
- {name: JAVA_OPTS, value: "-Xmx400m"}
- {name: LOG_LEVEL, value: info}
probes:
  liveness: {path: /health/live, port: 8080, initialDelaySeconds: 20}
  readiness: {path: /health/ready, port: 8080, initialDelaySeconds: 5}
`)

// benchmarks are edits of helmfileValues, or of a file that is nearly the same.
var benchmarks = []struct{ name, file, key, old, with string }{
	{name: "plain", file: "values.yaml", key: "data.version"},
	{name: "marker", file: "values.yaml", key: "#mda", old: "# the data version", with: "# lockstep: mda"},
	{name: "template", file: "values.yaml.gotmpl", key: "data.version", old: "replicas: 3", with: "{{ if .Values.x }}\nreplicas: {{ .Values.n }}\n{{ end }}"},
	{name: "parsed", file: "values.yaml", key: "data.version", old: "bucket: preview", with: "bucket: &b preview"},
}

// BenchmarkEdit measures Edit, proof included, for files that are plain and for one that
// has to be parsed; in the same run, setting the same value through kyaml's nodes and
// encoding the file again, which does not keep its bytes. Time is that of the cores; x/kyaml is how many times as
// fast Edit is.
func BenchmarkEdit(b *testing.B) {
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			in := bytes.Replace(helmfileValues, []byte(bench.old), []byte(bench.with), 1)
			peer := kyamlTime(b)
			b.ReportAllocs()
			b.ResetTimer()
			start := cpuTime(b)
			for b.Loop() {
				if _, err := Edit(bench.file, in, bench.key, "2026.11.3", "2026.11.4"); err != nil {
					b.Fatal(err)
				}
			}
			one := (cpuTime(b) - start) / time.Duration(b.N)
			b.ReportMetric(float64(time.Second)/float64(one), "files/s/core")
			b.ReportMetric(float64(peer)/float64(one), "x/kyaml")
		})
	}
}

// kyamlTime returns how long kyaml takes on one core to parse helmfileValues, set the
// version and encode it again.
func kyamlTime(b *testing.B) time.Duration {
	b.Helper()
	const attempts = 300
	start := cpuTime(b)
	for range attempts {
		file, err := yaml.Parse(string(helmfileValues))
		if err == nil {
			err = file.SetMapField(yaml.NewStringRNode("2026.11.4"), "data", "version")
		}
		if err == nil {
			_, err = file.String()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return (cpuTime(b) - start) / attempts
}

// cpuTime returns how long the cores have worked for this process, whatever else the
// machine does.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
