package weights_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/weights"
)

// header returns a safetensors file with that header and data.
func header(text string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), make([]byte, data)...)
}

// npy returns a file with that dictionary and data.
func npy(text string, data int) []byte {
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), byte(len(text)>>8))
	return append(append(b, text...), make([]byte, data)...)
}

// npz returns an archive of the entries, name and content in turn, deflated.
func npz(entries ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.Create(entries[i])
		if err == nil {
			_, err = io.WriteString(w, entries[i+1])
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// bomb unpacks to 64 MiB.
func bomb() []byte {
	const n = 1 << 26
	return npz("x.npy", string(npy(fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }", n/4), n)))
}

// bombs is an archive of many arrays of 4 MiB, each of which may be so long.
func bombs() []byte {
	const n = 1 << 22
	array := string(npy(fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }", n/4), n))
	var list []string
	for i := range 100 {
		list = append(list, fmt.Sprintf("x%d.npy", i), array)
	}
	return npz(list...)
}

// lyingLength is an archive whose directory says that an entry is so long.
func lyingLength(n uint32) []byte {
	b := npz("x.npy", string(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8)))
	at := bytes.LastIndex(b, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(b[at+24:], n)
	return b
}

const one = `"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`

// hostile are files that must be refused, and what the error says.
var hostile = []struct {
	name string
	data []byte
	want string
}{
	{"nothing", nil, "too few"},
	{"seven bytes", []byte("1234567"), "it has 7 bytes, too few"},
	{"text", []byte("this is no file of weights"), "it is no safetensors file"},
	{"a header longer than the file", append(binary.LittleEndian.AppendUint64(nil, 1000), "{}"...), "its header takes 1000 bytes, the file has 2"},
	{"a header of 2⁶⁴−1 bytes", bytes.Repeat([]byte{0xff}, 100), "its header takes 18446744073709551615 bytes"},
	{"no JSON", header("hello", 0), `begins with "hello"`},
	{"a list", header("[]", 0), "want a JSON object"},
	{"no shape", header(`{"x":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, 4), `has null as shape of "x"`},
	{"half an object", header(`{`+one, 4), "has no end"},
	{"more than an object", header(`{} {}`, 0), "goes on after its end"},
	{"a name twice", header(`{`+one+`,`+one+`}`, 4), `names "x" twice`},
	{"a tensor that is a number", header(`{"x":3}`, 0), `in "x": json`},
	{"a tensor that is null", header(`{"x":null}`, 0), `for "x"`},
	{"no shape", header(`{"x":{"dtype":"F32","data_offsets":[0,4]}}`, 4), `has no shape for "x"`},
	{"a fourth fact", header(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}`, 4), "has 4 facts"},
	{"a key in capitals", header(`{"x":{"Dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), `has no dtype for "x"`},
	{"a negative extent", header(`{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4), `in the shape of "x"`},
	{"half an extent", header(`{"x":{"dtype":"F32","shape":[0.5],"data_offsets":[0,4]}}`, 4), `in the shape of "x"`},
	{"an extent of 2⁶⁴−1", header(`{"x":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}}`, 4), "more than can be counted"},
	{"extents whose product is 1 modulo 2⁶⁴", header(`{"x":{"dtype":"F32","shape":[274177,67280421310721],"data_offsets":[0,4]}}`, 4), `its "x"`},
	{"2⁶² elements", header(`{"x":{"dtype":"F32","shape":[2147483648,2147483648],"data_offsets":[0,4]}}`, 4), `its "x"`},
	{"nine dimensions", header(`{"x":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}`, 4), "has 9 dimensions, the most is 8"},
	{"a million dimensions", header(`{"x":{"dtype":"F32","shape":[1`+strings.Repeat(",1", 1<<20)+`],"data_offsets":[0,4]}}`, 4), `has 2097155 bytes as shape of "x", the most is 1024`},
	{"an element type that is not known", header(`{"x":{"dtype":"Q9","shape":[4],"data_offsets":[0,4]}}`, 4), `its "x" has elements Q9`},
	{"bytes as elements", header(`{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4), `its "x" has elements U8, want F32`},
	{"too few bytes for a shape", header(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), `"x" takes 8 bytes as F32[2], the file has 4`},
	{"one offset", header(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4), "1 offsets"},
	{"offsets behind the end", header(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 3), `"x" lies at bytes 0 to 4, want a place from 0 within 3`},
	{"offsets backwards", header(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4), "want a place from 0 within 4"},
	{"a hole", header(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "want a place from 0 within 8"},
	{"tensors over each other", header(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), `"y" lies at bytes 4 to 8, want a place from 8`},
	{"a thousand names for the same bytes", manyNames(1000), "want a place from 1048576"},
	{"bytes at the end", header(`{`+one+`}`, 5), "its tensors take 4 bytes, the file has 5"},
	{"metadata that are numbers", header(`{"__metadata__":{"a":1},`+one+`}`, 4), `in "__metadata__"`},
	{"our metadata without checksum", header(`{"__metadata__":{"format":"neocog"},`+one+`}`, 4), "it is damaged: the SHA-256 of its content is"},
	{"10,000 lists in each other", header(`{"x":`+strings.Repeat("[", 10000)+strings.Repeat("]", 10000)+`}`, 0), "header"},
	{"a million lists in each other", header(`{"x":`+strings.Repeat("[", 1<<20)+strings.Repeat("]", 1<<20)+`}`, 0), "header"},

	{"the beginning of npy", []byte("\x93NUMPY"), "it is no .npy file"},
	{"npy of version 9", append([]byte("\x93NUMPY\x09\x00"), make([]byte, 100)...), "has version 9.0"},
	{"npy of version 2 without length", []byte("\x93NUMPY\x02\x00\x01\x00"), "ends in its header"},
	{"npy with a header of 4 GiB", append([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), make([]byte, 100)...), "takes 4294967295 bytes, the most is"},
	{"npy with a header behind the end", []byte("\x93NUMPY\x01\x00\xff\x00{}"), "ends in its header"},
	{"npy without dictionary", npy("hello", 0), "want a dictionary"},
	{"npy without facts", npy("{}", 0), "want descr, fortran_order and shape"},
	{"npy with a fact twice", npy("{'descr': '<f4', 'descr': '<f4', 'shape': ()}", 4), `want "descr" once`},
	{"npy with another fact", npy("{'code': 'import os'}", 4), `the key "code" is not known`},
	{"npy with a quote that does not end", npy("{'descr: '<f4'}", 4), `want "descr: "`},
	{"npy with an escape", npy(`{'d\x65scr': '<f4', 'fortran_order': False, 'shape': ()}`, 4), "want a text in quotes"},
	{"npy of records", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4), "want elements of one type"},
	{"npy of Python objects", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8), `the array has elements "|O"`},
	{"npy of texts", npy("{'descr': '<U3', 'fortran_order': False, 'shape': (1,)}", 12), `the array has elements "<U3"`},
	{"npy with a negative extent", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 4), "whole numbers from 0"},
	{"npy with an extent of 2⁷⁰", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1180591620717411303424,)}", 4), "whole numbers from 0"},
	{"npy with 2⁶³ elements", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 2147483648)}", 4), "shape [4294967296,2147483648] holds more elements than can be counted"},
	{"npy with nine dimensions", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4), "want at most 8 extents"},
	{"npy with too few bytes", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 11), "<f4[3] takes 12 bytes, the .npy file has 11"},
	{"npy with too many bytes", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3,)}", 13), "<f4[3] takes 12 bytes, the .npy file has 13"},
	{"npy without end", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,", 12), "want at most 8 extents"},
	{"npy with more behind the end", npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()} + os", 4), `there is "+ os"`},

	{"an archive cut short", npz("x.npy", "hello")[:40], "it is no .npz file or a damaged one"},
	{"an archive of another file", npz("readme.txt", "hello"), `it is an archive with the file "readme.txt", want .npy files`},
	{"an archive of PyTorch", npz("archive/data.pkl", "hello"), "PyTorch's own files hold programs, save the state_dict with the Python package safetensors"},
	{"an archive with a name twice", npz("x.npy", string(npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4)), "x.npy", string(npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4))), `it has "x" twice`},
	{"an archive with no name", npz(".npy", ""), "a tensor has no name"},
	{"an archive with a name that is not UTF-8", npz("\xff\xfe.npy", ""), "is not UTF-8"},
	{"an archive with the name of the metadata", npz("__metadata__.npy", ""), "the place of the metadata"},
	{"an archive with a damaged array", npz("x.npy", "hello"), `its "x": it is no .npy file`},
	{"an archive that says 4 GiB", lyingLength(math.MaxUint32 - 1), "it unpacks to more than"},
	{"an archive that says too much", lyingLength(1 << 20), `its "x"`},
	{"an archive that says too little", lyingLength(9), `its "x"`},
	{"many small bombs", bombs(), "it unpacks to more than"},
	{"a bomb", bomb(), "it unpacks to more than"},
}

// manyNames is a file in which n tensors of 1 MiB have the same place.
func manyNames(n int) []byte {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"x%d":{"dtype":"F32","shape":[262144],"data_offsets":[0,1048576]}`, i))
	}
	return header("{"+strings.Join(list, ",")+"}", 1<<20)
}

// Each gets an error, and little memory.
func TestHostileFiles(t *testing.T) {
	for _, h := range hostile {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := weights.Decode(h.data)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), h.want) {
			t.Errorf("%s: error %v, want %s", h.name, err, h.want)
		} else if len(err.Error()) > 400 {
			t.Errorf("%s: an error of %d bytes", h.name, len(err.Error()))
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: %d bytes were allocated, want at most 64 MiB", h.name, used)
		}
	}
}

// soundSeeds are files that are read.
func soundSeeds(tb testing.TB) [][]byte {
	tb.Helper()
	f := &weights.File{Tensors: samples(), Meta: map[string]string{"a": "b"}}
	var s, z, n bytes.Buffer
	for _, err := range []error{f.WriteSafetensors(&s), f.WriteNPZ(&z), weights.WriteNPY(&n, f.Tensors["conv1/w"])} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	return [][]byte{
		s.Bytes(), z.Bytes(), n.Bytes(), header(`{`+one+`}`, 4), header(`{"__metadata__":null}`, 0), npz(),
		npy(`{"shape": (2L, 3), "fortran_order": True, "descr": ">f8"}`, 48), npy("{'descr':'<V2','fortran_order':False,'shape':(2,)}", 4),
	}
}

func TestSoundSeeds(t *testing.T) {
	for i, s := range soundSeeds(t) {
		if _, err := weights.Decode(s); err != nil {
			t.Errorf("seed %d: %v", i, err)
		}
	}
}

// Any bytes are an error, or tensors which come back as they are from each format.
func fuzz(t *testing.T, file []byte) {
	f, err := weights.Decode(file)
	if err != nil {
		return
	}
	if d := f.Tensors[""]; d != nil {
		f.Tensors = map[string]*tensor.Dense{"x": d}
	}
	for _, write := range []func(io.Writer) error{f.WriteSafetensors, f.WriteNPZ} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			if strings.Contains(err.Error(), "name") { // of a safetensors file, one that no archive can have
				continue
			}
			t.Fatal(err)
		}
		back, err := weights.Decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		same(t, back.Tensors, f.Tensors)
	}
}

func FuzzSafetensors(f *testing.F) {
	for _, s := range soundSeeds(f) {
		f.Add(s)
	}
	for _, h := range hostile {
		if len(h.data) < 1<<12 {
			f.Add(h.data)
		}
	}
	f.Fuzz(fuzz)
}

// The reader of one array alone, by header and data.
func FuzzNPY(f *testing.F) {
	for _, h := range []string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", "{'descr': '>i8', 'fortran_order': True, 'shape': (2, 3)}",
		"{'shape': (), 'descr': '|b1', 'fortran_order': False}", `{"descr": "<f2", "fortran_order": False, "shape": (5L,)}`, "{'descr': '<V2', 'fortran_order': False, 'shape': (0, 7)}",
	} {
		f.Add(h, make([]byte, 48))
	}
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		if len(text) < 1<<16 {
			fuzz(t, append(npy(text, 0), data...))
		}
	})
}

// Archives, by what is in them.
func FuzzNPZ(f *testing.F) {
	sound := npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8)
	f.Add("x.npy", sound, "y.npy", sound)
	f.Add("conv/w.npy", sound, "conv/w.npy", sound)
	f.Add("data.pkl", []byte("hello"), ".npy", []byte{})
	f.Fuzz(func(t *testing.T, a string, x []byte, b string, y []byte) {
		if len(a) < 1<<16 && len(b) < 1<<16 {
			fuzz(t, npz(a, string(x), b, string(y)))
		}
	})
}
