package onnx

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"neocog/onnx/internal/onnxpb"
)

// Info is what a model says of itself, whether it can be imported or not.
type Info struct {
	IR, Opset    int
	Producer     string
	Graph        string
	Inputs       []Port // those that are fed
	Outputs      []Port
	Nodes        int
	Ops          []OpCount // by name
	Initialisers int
	Elements     int64 // of all initialisers
}

// A Port is an input or an output as the model declares it.
type Port struct {
	Name string `json:"name"`
	Type string `json:"type"` // such as float[N,3,32,32]; "" where it is no tensor
}

// An OpCount says how often an op occurs.
type OpCount struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Known bool   `json:"known"` // there is a rule for it, which may still refuse a node
}

// Info returns what the model says of itself.
func (m *Model) Info() Info {
	g := m.proto.Graph
	i := Info{
		IR: int(m.proto.IRVersion), Opset: int(m.opset), Graph: g.Name, Nodes: len(g.Node), Initialisers: len(g.Initializer),
		Producer: strings.TrimSpace(m.proto.ProducerName + " " + m.proto.ProducerVersion),
	}
	for _, v := range m.fed() {
		i.Inputs = append(i.Inputs, Port{v.Name, declared(v)})
	}
	for _, v := range g.Output {
		i.Outputs = append(i.Outputs, Port{v.Name, declared(v)})
	}
	for _, t := range g.Initializer {
		n := int64(1)
		for _, d := range t.Dims {
			n *= d // checkTensor has seen that it fits
		}
		i.Elements += n
	}
	counts := map[string]*OpCount{}
	for _, n := range g.Node {
		c := &call{n: n}
		if counts[c.name()] == nil {
			counts[c.name()] = &OpCount{Name: c.name(), Known: isONNX(n.Domain) && rules[n.OpType] != nil}
		}
		counts[c.name()].Count++
	}
	for _, c := range counts {
		i.Ops = append(i.Ops, *c)
	}
	slices.SortFunc(i.Ops, func(a, b OpCount) int { return cmp.Compare(a.Name, b.Name) })
	return i
}

// declared returns the type of a declaration.
func declared(v *onnxpb.ValueInfo) string {
	if v.Type == nil || v.Type.Tensor == nil {
		return ""
	}
	var dims []string
	for _, d := range dimensions(v) {
		switch {
		case d.Value != nil:
			dims = append(dims, strconv.FormatInt(*d.Value, 10))
		case d.Param != "":
			dims = append(dims, d.Param)
		default:
			dims = append(dims, "?")
		}
	}
	return v.Type.Tensor.ElemType.String() + "[" + strings.Join(dims, ",") + "]"
}
