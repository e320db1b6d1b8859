package onnxpb

import (
	"math"
	"reflect"

	"google.golang.org/protobuf/encoding/protowire"
)

// Marshal returns the bytes of the message m, a pointer to one of the structs of
// this package. Equal messages have equal bytes.
func Marshal(m any) []byte { return appendMessage(nil, reflect.ValueOf(m).Elem()) }

func appendMessage(b []byte, v reflect.Value) []byte {
	t := v.Type()
	for i := range t.NumField() {
		b = appendField(b, number(t.Field(i)), v.Field(i))
	}
	return b
}

func appendField(b []byte, num protowire.Number, v reflect.Value) []byte {
	if v.IsZero() {
		return b
	}
	switch t := v.Type(); {
	case t == bytesType:
		b = protowire.AppendTag(b, num, protowire.BytesType)
		return protowire.AppendBytes(b, v.Bytes())
	case t.Kind() == reflect.String:
		b = protowire.AppendTag(b, num, protowire.BytesType)
		return protowire.AppendString(b, v.String())
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		b = protowire.AppendTag(b, num, protowire.BytesType)
		return appendSized(b, func(b []byte) []byte { return appendMessage(b, v.Elem()) })
	case t.Kind() == reflect.Pointer:
		typ, _ := wireType(t.Elem().Kind())
		return appendNumber(protowire.AppendTag(b, num, typ), v.Elem())
	case t.Kind() == reflect.Slice && isNumber(t.Elem().Kind()):
		b = protowire.AppendTag(b, num, protowire.BytesType)
		return appendSized(b, func(b []byte) []byte {
			for i := range v.Len() {
				b = appendNumber(b, v.Index(i))
			}
			return b
		})
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			e := v.Index(i)
			if e.IsZero() && e.Kind() == reflect.String { // an omitted operand
				b = protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), nil)
			}
			b = appendField(b, num, e)
		}
		return b
	default:
		typ, _ := wireType(t.Kind())
		return appendNumber(protowire.AppendTag(b, num, typ), v)
	}
}

// appendSized appends what write appends, with its length before it.
func appendSized(b []byte, write func([]byte) []byte) []byte {
	body := write(nil)
	return protowire.AppendBytes(b, body)
}

func appendNumber(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Float32:
		return protowire.AppendFixed32(b, math.Float32bits(float32(v.Float())))
	case reflect.Float64:
		return protowire.AppendFixed64(b, math.Float64bits(v.Float()))
	case reflect.Uint64:
		return protowire.AppendVarint(b, v.Uint())
	}
	return protowire.AppendVarint(b, uint64(v.Int()))
}
