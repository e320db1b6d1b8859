package download

import (
	"fmt"
	"slices"
	"strings"

	"neocog/data"
)

// A Source is a public data set.
type Source struct {
	Name  string
	From  string   // who publishes it, and under which terms
	URLs  []string // of the folders that hold all files, in the order in which they are tried; each ends in a slash
	Files []File
}

// A File is part of a Source.
type File struct {
	Name   string
	Size   int64  // bytes
	SHA256 string // 64 hexadecimal digits

	// Members are the files of a .tar.gz that are kept, by their base names, with their lengths; it is itself kept if there
	// are none.
	Members map[string]int64
}

const cifarBatch = 10000 * (1 + 3*32*32) // bytes

// Sources returns the data sets that are known, by the names of data.Public.
//
// The sums of Fashion-MNIST, and of MNIST but for its training images, were computed from files that have the MD5 which torchvision
// publishes. Those of the training images of MNIST and of CIFAR are what public projects that download the files agree on.
func Sources() []Source {
	return []Source{
		{
			Name: "mnist", From: "Y. LeCun, C. Cortes, C. J. C. Burges; CC BY-SA 3.0",
			URLs: []string{"https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"},
			Files: []File{
				{Name: "train-images-idx3-ubyte.gz", Size: 9912422, SHA256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
				{Name: "train-labels-idx1-ubyte.gz", Size: 28881, SHA256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
				{Name: "t10k-images-idx3-ubyte.gz", Size: 1648877, SHA256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
				{Name: "t10k-labels-idx1-ubyte.gz", Size: 4542, SHA256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
			},
		},
		{
			Name: "fashion-mnist", From: "H. Xiao, K. Rasul, R. Vollgraf, Zalando SE; MIT licence",
			URLs: []string{"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
				"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
			Files: []File{
				{Name: "train-images-idx3-ubyte.gz", Size: 26421880, SHA256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
				{Name: "train-labels-idx1-ubyte.gz", Size: 29515, SHA256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
				{Name: "t10k-images-idx3-ubyte.gz", Size: 4422102, SHA256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
				{Name: "t10k-labels-idx1-ubyte.gz", Size: 5148, SHA256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
			},
		},
		{
			Name: "cifar-10", From: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
			URLs: []string{"https://www.cs.toronto.edu/~kriz/"},
			Files: []File{{
				Name: "cifar-10-binary.tar.gz", Size: 170052171, SHA256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
				Members: map[string]int64{
					"data_batch_1.bin": cifarBatch, "data_batch_2.bin": cifarBatch, "data_batch_3.bin": cifarBatch,
					"data_batch_4.bin": cifarBatch, "data_batch_5.bin": cifarBatch, "test_batch.bin": cifarBatch,
				},
			}},
		},
		{
			Name: "cifar-100", From: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
			URLs: []string{"https://www.cs.toronto.edu/~kriz/"},
			Files: []File{{
				Name: "cifar-100-binary.tar.gz", Size: 168513733, SHA256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
				Members: map[string]int64{"train.bin": 50000 * (2 + 3*32*32), "test.bin": 10000 * (2 + 3*32*32)},
			}},
		},
	}
}

// Find returns the Source of that name.
func Find(name string) (Source, error) {
	all := Sources()
	i := slices.IndexFunc(all, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, fmt.Errorf("no data set %q can be downloaded; want one of %s", name, strings.Join(data.Public, ", "))
	}
	return all[i], nil
}

// size is the bytes of all files.
func (s Source) size() (n int64) {
	for _, f := range s.Files {
		n += f.Size
	}
	return n
}
