package onnxpb

// Model is ModelProto.
type Model struct {
	IRVersion       int64          `pb:"1"`
	ProducerName    string         `pb:"2"`
	ProducerVersion string         `pb:"3"`
	Domain          string         `pb:"4"`
	ModelVersion    int64          `pb:"5"`
	DocString       string         `pb:"6"`
	Graph           *Graph         `pb:"7"`
	OpsetImport     []*OperatorSet `pb:"8"`
	MetadataProps   []*StringEntry `pb:"14"`
	Functions       [][]byte       `pb:"25"` // counted, not read
}

// OperatorSet is OperatorSetIdProto.
type OperatorSet struct {
	Domain  string `pb:"1"`
	Version int64  `pb:"2"`
}

// StringEntry is StringStringEntryProto.
type StringEntry struct {
	Key   string `pb:"1"`
	Value string `pb:"2"`
}

// Graph is GraphProto.
type Graph struct {
	Node              []*Node      `pb:"1"`
	Name              string       `pb:"2"`
	Initializer       []*Tensor    `pb:"5"`
	DocString         string       `pb:"10"`
	Input             []*ValueInfo `pb:"11"`
	Output            []*ValueInfo `pb:"12"`
	ValueInfo         []*ValueInfo `pb:"13"`
	SparseInitializer [][]byte     `pb:"15"` // counted, not read
}

// Node is NodeProto.
type Node struct {
	Input     []string     `pb:"1"`
	Output    []string     `pb:"2"`
	Name      string       `pb:"3"`
	OpType    string       `pb:"4"`
	Attribute []*Attribute `pb:"5"`
	DocString string       `pb:"6"`
	Domain    string       `pb:"7"`
}

// AttributeType is AttributeProto.AttributeType.
type AttributeType int32

// The attribute types that Neocog knows by name.
const (
	TypeFloat   AttributeType = 1
	TypeInt     AttributeType = 2
	TypeString  AttributeType = 3
	TypeTensor  AttributeType = 4
	TypeGraph   AttributeType = 5
	TypeFloats  AttributeType = 6
	TypeInts    AttributeType = 7
	TypeStrings AttributeType = 8
)

// Attribute is AttributeProto.
type Attribute struct {
	Name         string        `pb:"1"`
	F            *float32      `pb:"2"`
	I            *int64        `pb:"3"`
	S            []byte        `pb:"4"`
	T            *Tensor       `pb:"5"`
	G            *Graph        `pb:"6"`
	Floats       []float32     `pb:"7"`
	Ints         []int64       `pb:"8"`
	Strings      [][]byte      `pb:"9"`
	Graphs       []*Graph      `pb:"11"`
	Type         AttributeType `pb:"20"`
	RefAttrName  string        `pb:"21"`
	SparseTensor []byte        `pb:"22"` // counted, not read
}

// ValueInfo is ValueInfoProto.
type ValueInfo struct {
	Name      string `pb:"1"`
	Type      *Type  `pb:"2"`
	DocString string `pb:"3"`
}

// Type is TypeProto; the kinds other than tensors are kept as they are, to be
// refused.
type Type struct {
	Tensor   *TensorType `pb:"1"`
	Sequence []byte      `pb:"4"`
	Map      []byte      `pb:"5"`
	Sparse   []byte      `pb:"8"`
	Optional []byte      `pb:"9"`
}

// TensorType is TypeProto.Tensor.
type TensorType struct {
	ElemType DataType `pb:"1"`
	Shape    *Shape   `pb:"2"` // nil: unknown rank
}

// Shape is TensorShapeProto.
type Shape struct {
	Dim []*Dimension `pb:"1"`
}

// Dimension is TensorShapeProto.Dimension: a number, a name, or unknown.
type Dimension struct {
	Value *int64 `pb:"1"`
	Param string `pb:"2"`
}

// DataType is TensorProto.DataType.
type DataType int32

// The element types that Neocog has.
const (
	Float  DataType = 1
	Int32  DataType = 6
	Int64  DataType = 7
	Bool   DataType = 9
	Double DataType = 11
)

// dataTypes are the names of all types of the schema.
var dataTypes = []string{
	"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
	"uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
	"float8e5m2fnuz", "uint4", "int4", "float4e2m1",
}

// Known reports whether d is a type of the schema.
func (d DataType) Known() bool { return d > 0 && int(d) < len(dataTypes) }

// String returns the name of the type as ONNX writes it in documents.
func (d DataType) String() string {
	if d >= 0 && int(d) < len(dataTypes) {
		return dataTypes[d]
	}
	return "unknown"
}

// Tensor is TensorProto.
type Tensor struct {
	Dims         []int64        `pb:"1"`
	DataType     DataType       `pb:"2"`
	Segment      []byte         `pb:"3"` // counted, not read
	FloatData    []float32      `pb:"4"`
	Int32Data    []int32        `pb:"5"`
	StringData   [][]byte       `pb:"6"`
	Int64Data    []int64        `pb:"7"`
	Name         string         `pb:"8"`
	RawData      []byte         `pb:"9"`
	DoubleData   []float64      `pb:"10"`
	Uint64Data   []uint64       `pb:"11"`
	DocString    string         `pb:"12"`
	ExternalData []*StringEntry `pb:"13"`
	DataLocation int32          `pb:"14"` // 1: external
}
