package onnxpb

import (
	"reflect"
	"strconv"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

var bytesType = reflect.TypeFor[[]byte]()

// tables caches what fields returns.
var tables sync.Map // reflect.Type → map[protowire.Number]int

// fields returns the index in struct type t of each field number.
func fields(t reflect.Type) map[protowire.Number]int {
	if m, ok := tables.Load(t); ok {
		return m.(map[protowire.Number]int)
	}
	m := map[protowire.Number]int{}
	for i := range t.NumField() {
		m[number(t.Field(i))] = i
	}
	tables.Store(t, m)
	return m
}

func number(f reflect.StructField) protowire.Number {
	n, err := strconv.Atoi(f.Tag.Get("pb"))
	if err != nil {
		panic("onnxpb: field " + f.Name + " has no number") // a mistake in this package
	}
	return protowire.Number(n)
}

func isNumber(k reflect.Kind) bool {
	_, ok := wireType(k)
	return ok
}

// wireType returns how a number of kind k is written.
func wireType(k reflect.Kind) (protowire.Type, bool) {
	switch k {
	case reflect.Int32, reflect.Int64, reflect.Uint64:
		return protowire.VarintType, true
	case reflect.Float32:
		return protowire.Fixed32Type, true
	case reflect.Float64:
		return protowire.Fixed64Type, true
	}
	return 0, false
}
