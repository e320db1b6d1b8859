package graph

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Attributes returns op's attributes as they stand in the text form, such as
// {Stride:[2 2] Groups:3}: the exported fields of the struct, those of embedded
// structs among them, without the ones that are zero; "" if none is left.
// Fields may be booleans, numbers, strings, arrays of these, and types which
// implement encoding.TextMarshaler without blanks outside brackets.
func Attributes(op Op) string {
	var parts []string
	for _, f := range attributeFields(reflect.TypeOf(op)) {
		v := reflect.ValueOf(op).FieldByIndex(f.Index)
		s := formatAttribute(v)
		if !v.IsZero() || s != formatAttribute(reflect.Zero(f.Type)) { // −0 is not zero
			parts = append(parts, f.Name+":"+s)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func attributeFields(t reflect.Type) []reflect.StructField {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var out []reflect.StructField
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && !f.Anonymous {
			out = append(out, f)
		}
	}
	return out
}

func formatAttribute(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, err := m.MarshalText()
		if err != nil {
			return strconv.Quote(err.Error())
		}
		return string(b)
	}
	switch {
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case v.Kind() == reflect.String:
		return strconv.Quote(v.String())
	case v.Kind() == reflect.Array:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = formatAttribute(v.Index(i))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v.Interface())
}

// parseAttributes returns a copy of the op prototype with the attributes in
// text, which has the form of Attributes. Fields which are not named are zero.
func parseAttributes(prototype Op, text string) (Op, error) {
	t := reflect.TypeOf(prototype)
	p := reflect.New(t).Elem()
	text = strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	for _, part := range fields(text) {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			return nil, fmt.Errorf("attribute %q of %s has no value, want Name:value", part, prototype.Name())
		}
		f, ok := field(t, name)
		if !ok {
			return nil, fmt.Errorf("%s has no attribute %q", prototype.Name(), name)
		}
		if err := parseAttribute(p.FieldByIndex(f.Index), value); err != nil {
			return nil, fmt.Errorf("attribute %s of %s: %w", name, prototype.Name(), err)
		}
	}
	op, ok := p.Interface().(Op)
	if !ok {
		return nil, fmt.Errorf("%s cannot be made from text", prototype.Name())
	}
	return op, nil
}

func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range attributeFields(t) {
		if f.Name == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func parseAttribute(v reflect.Value, s string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(s))
	}
	var err error
	switch {
	case v.Kind() == reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(s); err == nil {
			v.SetBool(b)
		}
	case v.CanInt():
		var n int64
		if n, err = strconv.ParseInt(s, 10, v.Type().Bits()); err == nil {
			v.SetInt(n)
		}
	case v.CanUint():
		var n uint64
		if n, err = strconv.ParseUint(s, 10, v.Type().Bits()); err == nil {
			v.SetUint(n)
		}
	case v.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(s, v.Type().Bits()); err == nil {
			v.SetFloat(f)
		}
	case v.Kind() == reflect.String:
		var q string
		if q, err = strconv.Unquote(s); err == nil {
			v.SetString(q)
		}
	case v.Kind() == reflect.Array:
		if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
			return fmt.Errorf("%q is no list", s)
		}
		elems := fields(s[1 : len(s)-1])
		if len(elems) != v.Len() {
			return fmt.Errorf("%s has %d elements, want %d", s, len(elems), v.Len())
		}
		for i, e := range elems {
			if err := parseAttribute(v.Index(i), e); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("attributes of Go type %v cannot be written as text", v.Type())
	}
	if err != nil {
		return fmt.Errorf("%q is no %v", s, v.Kind())
	}
	return nil
}

// fields splits s at blanks outside brackets, braces, parentheses and quotes.
func fields(s string) []string {
	var out []string
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		n := fieldLen(s)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

// fieldLen returns the length of the first field of s.
func fieldLen(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{' || c == '(':
			depth++
		case c == ']' || c == '}' || c == ')':
			depth--
		case c == ' ' && depth <= 0:
			return i
		}
	}
	return len(s)
}
