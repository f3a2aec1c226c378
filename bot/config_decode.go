package bot

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a configuration may hold: bytes, values once aliases are repeated, and
// characters of a key.
const (
	maxConfigFile = 1 << 20
	maxConfigRead = 100_000
	maxConfigKey  = 200
)

// decodeConfig reads data into c and notes every mistake: what cannot be read, what is
// unknown, what is there twice. The library's own decoder stops at the first one,
// so only its parser is used. It reports whether there is a configuration to check.
func decodeConfig(k *configCheck, data []byte, c *Config) bool {
	if len(data) > maxConfigFile {
		k.fail("", "the file has %d bytes and may have %d: it is no configuration", len(data), maxConfigFile)
		return false
	}
	if !utf8.Valid(data) {
		k.places[""] = placeOfInvalid(data)
		k.fail("", "not UTF-8 text from here: save the file as UTF-8")
		return false
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		k.syntax(err)
		return false
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		k.fail("", "the file is empty: copy docs/lockstep.example.yaml to it and edit it")
		return false
	case 1:
		d := configDecoder{configCheck: k, anchors: map[string]ast.Node{}}
		d.value("", bodies[0], reflect.ValueOf(c).Elem())
		return !k.broken[""]
	}
	k.places[""] = placeOf(bodies[1])
	k.fail("", "a second document begins here: keep one, and remove the line ---")
	return false
}

// syntax notes that the file is no YAML, in the parser's words but without the lines
// it quotes, which may hold what is nobody's business.
func (k *configCheck) syntax(err error) {
	var at yaml.Error
	if !errors.As(err, &at) {
		k.fail("", "not YAML: %v", err)
		return
	}
	if tk := at.GetToken(); tk != nil {
		k.places[""] = configPlace{tk.Position.Line, tk.Position.Column}
	}
	k.fail("", "not YAML: %s", at.GetMessage())
}

// A configDecoder reads the nodes of one document into the types of the configuration.
type configDecoder struct {
	*configCheck
	anchors map[string]ast.Node // by name; the newest before the place that is read
	read    int                 // values so far
}

var (
	durationType  = reflect.TypeFor[time.Duration]()
	referenceType = reflect.TypeFor[Reference]()
)

// value reads n into v. A field without a value (null) keeps its default.
func (d *configDecoder) value(field string, n ast.Node, v reflect.Value) {
	if d.read++; d.read > maxConfigRead {
		if d.read == maxConfigRead+1 {
			d.spoil(field, "the file has more than %d values once its aliases are repeated: make it smaller", maxConfigRead)
		}
		return
	}
	n = d.resolve(field, n)
	if n == nil || n.Type() == ast.NullType {
		return
	}
	switch v.Type() {
	case durationType:
		d.duration(field, n, v)
		return
	case referenceType:
		d.reference(field, n, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(field, n, v)
	case reflect.Map:
		d.table(field, n, v)
	case reflect.Slice:
		d.list(field, n, v)
	case reflect.Pointer:
		v.Set(withDefaults(v.Type().Elem()).Addr())
		d.value(field, n, v.Elem())
	case reflect.Bool:
		d.boolean(field, n, v)
	case reflect.Int:
		d.number(field, n, v)
	default:
		if text, ok := d.text(field, n); ok {
			v.SetString(text)
		}
	}
}

// withDefaults returns a new, settable value of type t that holds its defaults.
func withDefaults(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if d, ok := v.Interface().(interface{ setDefaults() }); ok {
		d.setDefaults()
	}
	return v.Elem()
}

// resolve returns the node that n stands for: the content of an anchor or an alias.
// It returns nil when there is none, and says so.
func (d *configDecoder) resolve(field string, n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.AnchorNode:
		content := d.resolve(field, n.Value)
		d.anchors[n.Name.GetToken().Value] = content
		return content
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		content, ok := d.anchors[name]
		if !ok {
			d.spoil(field, "no anchor &%s stands before this alias", name)
		}
		return content
	case *ast.TagNode:
		d.spoil(field, "tags such as %s are not read here: remove it", n.GetToken().Value)
		return nil
	}
	return n
}

// structure reads a mapping into the fields of a struct, by their yaml names.
func (d *configDecoder) structure(field string, n ast.Node, v reflect.Value) {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = v.Field(i)
		}
	}
	d.pairs(field, n, func(name string, at *token.Token, content ast.Node) {
		into, ok := fields[name]
		if !ok {
			d.fail(d.enter(field, name, at), "unknown key: %s", known(name, sortedKeys(fields)))
			return
		}
		d.value(d.enter(field, name, at), content, into)
	})
}

// table reads a mapping into a map. An entry without a value gets its defaults.
func (d *configDecoder) table(field string, n ast.Node, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(field, n, func(name string, at *token.Token, content ast.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		if item.Kind() == reflect.Pointer {
			item.Set(withDefaults(item.Type().Elem()).Addr())
		}
		d.value(d.enter(field, name, at), content, item)
		v.SetMapIndex(reflect.ValueOf(name), item)
	})
}

// pairs calls each with every key of a mapping, in the order of the file. A key that is
// there twice is read once.
func (d *configDecoder) pairs(field string, n ast.Node, each func(name string, at *token.Token, content ast.Node)) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		d.spoil(field, "want keys with values, have %s", kindOf(n))
		return
	}
	first := map[string]int{}
	for _, pair := range m.Values {
		at := pair.Key.GetToken()
		name, ok := scalar(pair.Key)
		switch {
		case !ok || pair.Key.IsMergeKey():
			d.fail(d.enter(field, at.Value, at), "such keys are not read here: repeat what it brings in, or use an alias for a whole section")
		case len(name) > maxConfigKey:
			d.fail(d.enter(field, shortened(name), at), "the key has %d bytes: write %d at most", len(name), maxConfigKey)
		case first[name] > 0:
			d.fail(d.enter(field, name, at), "the key is there twice, first on line %d: remove one", first[name])
		default:
			first[name] = at.Position.Line
			each(name, at, pair.Value)
		}
	}
}

// enter notes where the key name of field stands and returns the name of its field.
func (d *configDecoder) enter(field, name string, at *token.Token) string {
	if field != "" {
		name = field + "." + name
	}
	d.places[name] = configPlace{at.Position.Line, at.Position.Column}
	return name
}

// list reads a sequence into a slice, which is not nil even when it is empty.
func (d *configDecoder) list(field string, n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.spoil(field, "want a list, have %s", kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(seq.Values)))
	for i, n := range seq.Values {
		item := withDefaults(v.Type().Elem())
		at := field + "[" + strconv.Itoa(i) + "]"
		d.places[at] = placeOf(n)
		d.value(at, n, item)
		v.Set(reflect.Append(v, item))
	}
}

// boolean reads true or false.
func (d *configDecoder) boolean(field string, n ast.Node, v reflect.Value) {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		d.places[field] = placeOf(n)
		d.spoil(field, "want true or false, have %s", kindOf(n))
		return
	}
	v.SetBool(b.Value)
}

// number reads a whole number.
func (d *configDecoder) number(field string, n ast.Node, v reflect.Value) {
	d.places[field] = placeOf(n)
	i, ok := n.(*ast.IntegerNode)
	value, small := int64(0), false
	if ok {
		switch number := i.Value.(type) {
		case int64:
			value, small = number, true
		case uint64:
			value, small = int64(number), number <= math.MaxInt32
		}
	}
	if !small {
		d.spoil(field, "want a whole number, have %s", kindOf(n))
		return
	}
	v.SetInt(value)
}

// duration reads a duration above zero.
func (d *configDecoder) duration(field string, n ast.Node, v reflect.Value) {
	text, ok := d.text(field, n)
	if !ok {
		return
	}
	value, err := time.ParseDuration(text)
	switch {
	case err != nil:
		d.spoil(field, "%q is no duration: write one such as 90s, 30m or 1h30m", shortened(text))
	case value <= 0:
		d.spoil(field, "%s is not above zero", text)
	}
	v.SetInt(int64(value))
}

// reference reads a reference to a secret and says nothing of what is there instead.
func (d *configDecoder) reference(field string, n ast.Node, v reflect.Value) {
	text, ok := d.text(field, n)
	if !ok {
		return
	}
	if !IsReference(text) {
		d.spoil(field, "want a reference, not the secret itself: write one such as env:%s", exampleVariable(field))
		return
	}
	v.Set(reflect.ValueOf(Reference{Text: text, Field: field, Line: d.places[field].line}))
}

// text returns the text of a scalar as it is written, and moves the place of field to
// it.
func (d *configDecoder) text(field string, n ast.Node) (string, bool) {
	text, ok := scalar(n)
	if !ok {
		d.spoil(field, "want a text, have %s", kindOf(n))
		return "", false
	}
	d.places[field] = placeOf(n)
	return text, true
}

// scalar returns the text of a scalar node; numbers and the like as they are written.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode, *ast.NullNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// kindOf names what a node is, in users' words.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return "a text"
}

// placeOf returns where n begins.
func placeOf(n ast.Node) configPlace {
	tk := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		tk = m.Values[0].Key.GetToken()
	}
	return configPlace{tk.Position.Line, tk.Position.Column}
}

// placeOfInvalid returns where data ceases to be UTF-8.
func placeOfInvalid(data []byte) configPlace {
	at := configPlace{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return at
		case r == '\n':
			at = configPlace{at.line + 1, 1}
		default:
			at.column++
		}
		data = data[size:]
	}
	return at
}

// shortened returns text cut to what one can read in an error.
func shortened(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) <= most {
		return strings.ToValidUTF8(text, "?")
	}
	return string([]rune(text)[:most]) + "…"
}
