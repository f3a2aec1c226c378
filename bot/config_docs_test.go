package bot

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the reference in docs/configuration.md anew")

// The reference in docs/configuration.md is made from the types of the configuration
// and their comments, and stands between these lines.
const (
	manualFile  = "../docs/configuration.md"
	manualBegin = "<!-- The reference begins: made from bot/config*.go by go test ./bot -run ConfigDocs -update -->\n"
	manualEnd   = "<!-- The reference ends. -->\n"
)

func TestConfigDocsAreMadeFromTheTypes(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(data), manualBegin)
	old, after, ends := strings.Cut(rest, manualEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the reference, which is between the lines\n%s%s", manualFile, manualBegin, manualEnd)
	}
	made := readManual(t).reference()
	if *update {
		if err := os.WriteFile(manualFile, []byte(before+manualBegin+made+manualEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, want := strings.Split(old, "\n"), strings.Split(made, "\n")
	for i := range max(len(have), len(want)) {
		if i >= len(have) || i >= len(want) || have[i] != want[i] {
			t.Fatalf("the reference is not what the types say from its line %d on: run go test ./bot -run ConfigDocs -update, and read the diff", i+1)
		}
	}
}

// A manual is what the types of the configuration say about themselves, by their name.
type manual map[string]manualType

// A manualType is a type with keys.
type manualType struct {
	name, text string
	fields     []manualField
}

// A manualField is a key: how its value is written, what it means, and what it is
// without a value.
type manualField struct {
	name, key, kind, text, unset string

	of    string // the type of its keys; "" without such
	below string // what leads to them: "", ".NAME" or "[]"
}

// readManual parses the types of the configuration.
func readManual(t *testing.T) manual {
	t.Helper()
	names, err := filepath.Glob("config*.go")
	if err != nil {
		t.Fatal(err)
	}
	m := manual{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if of, ok := decl.(*ast.GenDecl); ok && of.Tok == token.TYPE {
				m.add(t, of)
			}
		}
	}
	return m
}

// add reads a declaration, where it is a type with keys.
func (m manual) add(t *testing.T, decl *ast.GenDecl) {
	t.Helper()
	spec := decl.Specs[0].(*ast.TypeSpec)
	of, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	read := manualType{name: spec.Name.Name, text: about(spec.Name.Name, decl.Doc.Text())}
	for _, f := range of.Fields.List {
		if f.Tag == nil {
			continue
		}
		field := describeField(f)
		read.fields = append(read.fields, field)
		if field.unset == "" && field.kind != "keys" {
			t.Errorf("%s.%s does not say what it is without a value: end its comment in Required or Default", read.name, field.name)
		}
	}
	if len(read.fields) > 0 {
		m[read.name] = read
	}
}

// describeField returns what a field says.
func describeField(f *ast.Field) manualField {
	key := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("yaml")
	field := manualField{name: f.Names[0].Name, key: key}
	field.kind, field.of, field.below = kindOfKey(f.Type)
	text := about(field.name, f.Doc.Text())
	if at := unsetSentence.FindStringIndex(text); at != nil {
		field.unset = strings.TrimSpace(text[at[0]:])
		text = text[:at[0]]
	}
	field.text = strings.TrimSuffix(strings.TrimSpace(text), ".")
	return field
}

var unsetSentence = regexp.MustCompile(`(^|\s)(Required|Default)\b`)

// kindOfKey returns how the value of a type is written, and the type of its keys.
func kindOfKey(e ast.Expr) (kind, of, below string) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return kindOfKey(e.X)
	case *ast.ArrayType:
		if kind, of, _ := kindOfKey(e.Elt); of != "" {
			return "list of " + kind, of, "[]"
		}
		return "list of texts", "", ""
	case *ast.MapType:
		if kind, of, _ := kindOfKey(e.Value); of != "" {
			return kind + " by name", of, ".NAME"
		}
		return "texts by name", "", ""
	case *ast.SelectorExpr:
		return "duration", "", ""
	}
	switch name := e.(*ast.Ident).Name; name {
	case "string":
		return "text", "", ""
	case "int":
		return "whole number", "", ""
	case "bool":
		return "`true` or `false`", "", ""
	case "Reference":
		return "[reference](#secrets)", "", ""
	default:
		return "keys", name, ""
	}
}

// about returns a comment for the manual, without the name that it begins with.
func about(name, comment string) string {
	comment = strings.ReplaceAll(strings.TrimSpace(comment), "\n", " ")
	begins := regexp.MustCompile(`^(An? )?` + name + ` (is |are |says |holds |names |describes )?`)
	comment = begins.ReplaceAllString(comment, "")
	if strings.HasPrefix(comment, "https") {
		return comment
	}
	return strings.ToUpper(comment[:1]) + comment[1:]
}

// reference returns the manual as Markdown: a section for each type, in the order of
// the file.
func (m manual) reference() string {
	var order []string
	paths := map[string][]string{} // where the keys of a type stand
	var walk func(name, path string)
	walk = func(name, path string) {
		if paths[name] == nil {
			order = append(order, name)
		}
		paths[name] = append(paths[name], path)
		for _, f := range m[name].fields {
			if f.of != "" {
				walk(f.of, strings.TrimPrefix(path+"."+f.key+f.below, "."))
			}
		}
	}
	walk("Config", "")
	var text strings.Builder
	for _, name := range order {
		m.section(&text, m[name], paths)
	}
	return text.String()
}

// section writes one type.
func (m manual) section(text *strings.Builder, of manualType, paths map[string][]string) {
	at, level := paths[of.name], "##"
	if strings.Contains(strings.TrimSuffix(at[0], ".NAME"), ".") {
		level = "###"
	}
	fmt.Fprintf(text, "\n%s %s\n\n", level, heading(at))
	if of.name != "Config" {
		fmt.Fprintf(text, "%s\n\n", of.text)
	}
	text.WriteString("| key | value | default | meaning |\n|---|---|---|---|\n")
	for _, f := range of.fields {
		kind := f.kind
		if f.of != "" {
			kind = fmt.Sprintf("[%s](#%s)", kind, anchor(heading(paths[f.of])))
		}
		fmt.Fprintf(text, "| `%s` | %s | %s | %s |\n", f.key, kind, cell(f.without()), cell(f.text))
	}
}

// heading returns the heading of the section on the keys at paths.
func heading(paths []string) string {
	if paths[0] == "" {
		return "The file"
	}
	return "`" + strings.Join(paths, "` and `") + "`"
}

// anchor returns what leads to a heading, as GitLab and GitHub make it.
func anchor(heading string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// cell makes text fit into a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// without returns what a field is without a value, as it stands in the table.
func (f manualField) without() string {
	text := strings.TrimSuffix(f.unset, ".")
	switch {
	case text == "":
		return "–"
	case strings.HasPrefix(text, "Required"):
		return "**required**" + strings.TrimPrefix(text, "Required")
	}
	return strings.TrimLeft(strings.TrimPrefix(text, "Default"), ": ")
}

// literal returns the default that the manual quotes.
func (f manualField) literal() string {
	if found := regexp.MustCompile("^Default `([^`]*)`").FindStringSubmatch(f.unset); found != nil {
		return found[1]
	}
	return ""
}

// TestConfigDocsTellTheDefaults holds that a default that the manual quotes is the one
// that a field has, and that a field without one has none.
func TestConfigDocsTellTheDefaults(t *testing.T) {
	t.Parallel()
	m, quoted := readManual(t), 0
	eachKey(withDefaults(reflect.TypeFor[Config]()), "", func(path string, of reflect.Type, field reflect.StructField, v reflect.Value) {
		i := slices.IndexFunc(m[of.Name()].fields, func(f manualField) bool { return f.name == field.Name })
		if i < 0 {
			t.Errorf("the manual has no %s.%s", of.Name(), field.Name)
			return
		}
		switch want := m[of.Name()].fields[i].literal(); {
		case want == "" && (v.Kind() == reflect.Struct || v.IsZero()):
		case want == defaultText(v, want):
			quoted++
		default:
			t.Errorf("%s: the manual says that the default is %q, and it is %v", path, want, v)
		}
	})
	if quoted < 30 {
		t.Errorf("found %d defaults only", quoted)
	}
}

// defaultText returns a default as the manual writes it; a duration in the form of want.
func defaultText(v reflect.Value, want string) string {
	if d, ok := v.Interface().(time.Duration); ok {
		if same, err := time.ParseDuration(want); err == nil && same == d {
			return want
		}
	}
	return fmt.Sprint(v.Interface())
}

// eachKey calls visit with every key below v, a value with its defaults: the path that
// leads to it, as in the headings of the manual, and its field with its default.
func eachKey(v reflect.Value, path string, visit func(path string, of reflect.Type, field reflect.StructField, v reflect.Value)) {
	if gate, ok := v.Addr().Interface().(*GateConfig); ok {
		gate.fill()
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := field.Tag.Get("yaml")
		if key == "" {
			continue
		}
		at := strings.TrimPrefix(path+"."+key, ".")
		visit(at, v.Type(), field, v.Field(i))
		below, of := v.Field(i), field.Type
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			at += map[reflect.Kind]string{reflect.Slice: "[]", reflect.Map: ".NAME"}[of.Kind()]
			of = of.Elem()
			below = withDefaults(of)
		}
		if of.Kind() == reflect.Struct && of != referenceType {
			eachKey(below, at, visit)
		}
	}
}
