package onnxpb

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestRoundTrip(t *testing.T) {
	f, i, zero := float32(-1.5), int64(math.MinInt64), int64(0)
	m := &Model{
		IRVersion: 8, ProducerName: "p", OpsetImport: []*OperatorSet{{Version: 17}, {Domain: "d", Version: 1}},
		MetadataProps: []*StringEntry{{Key: "k", Value: "v"}}, Functions: [][]byte{{}, {1, 2}},
		Graph: &Graph{
			Name: "g", Node: []*Node{{Input: []string{"a", "", "b"}, Output: []string{"c"}, OpType: "Op", Attribute: []*Attribute{
				{Name: "f", Type: TypeFloat, F: &f}, {Name: "i", Type: TypeInt, I: &i}, {Name: "z", Type: TypeInt, I: &zero}, {Name: "s", Type: TypeString, S: []byte{}},
				{Name: "fs", Type: TypeFloats, Floats: []float32{1, float32(math.Inf(-1))}}, {Name: "is", Type: TypeInts, Ints: []int64{1, -1, 300}},
				{Name: "t", Type: TypeTensor, T: &Tensor{Dims: []int64{2, 0}, DataType: Double, DoubleData: []float64{math.Pi}, Uint64Data: []uint64{math.MaxUint64}, Int32Data: []int32{-1}}},
				{Name: "g", Type: TypeGraph, G: &Graph{Name: "inner"}},
			}}},
			Input: []*ValueInfo{{Name: "a", Type: &Type{Tensor: &TensorType{ElemType: Float, Shape: &Shape{Dim: []*Dimension{{Value: &zero}, {Param: "N"}, {}}}}}}},
		},
	}
	data := Marshal(m)
	var got Model
	if err := Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, &got) {
		t.Errorf("got %+v, want %+v", &got, m)
	}
	if again := Marshal(&got); string(again) != string(data) {
		t.Error("written again, the bytes differ")
	}
}

// Numbers of a repeated field may come one by one, as old writers have them.
func TestUnpackedNumbers(t *testing.T) {
	var b []byte
	for _, v := range []uint64{3, 1 << 40} {
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), v)
	}
	for _, v := range []float32{1.5, -2} {
		b = protowire.AppendFixed32(protowire.AppendTag(b, 4, protowire.Fixed32Type), math.Float32bits(v))
	}
	var got Tensor
	if err := Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if want := (Tensor{Dims: []int64{3, 1 << 40}, FloatData: []float32{1.5, -2}}); !reflect.DeepEqual(want, got) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	b := protowire.AppendString(protowire.AppendTag(nil, 999, protowire.BytesType), "later")
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 8)
	var got Model
	if err := Unmarshal(b, &got); err != nil || got.IRVersion != 8 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	deep := []byte{}
	for range 3 * (MaxDepth + 1) {
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), deep)
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), deep)
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), deep)
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"truncated", []byte{0x3a, 5, 0}, "byte 0, in a Model: field Graph: the file ends too early"},
		{"in a message", []byte{0x3a, 2, 0x0a, 9}, "byte 2, in a Graph: field Node: the file ends too early"},
		{"packed floats of 5 bytes", append([]byte{0x3a, 9, 0x2a, 7, 0x22, 5}, 1, 2, 3, 4, 5), "byte 4, in a Tensor: field FloatData: the file ends too early"},
		{"too deep", protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), deep), "messages are nested more than 64 deep"},
		{"wide integer", protowire.AppendVarint([]byte{0x3a, 13, 0x2a, 11, 0x10}, 1<<40), "field"},
	} {
		err := Unmarshal(c.data, &Model{})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
