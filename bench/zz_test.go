package bench
import ("testing";"fmt";"os";"strings";"sort";"strconv"
"neocog/models";"neocog/vm")
func TestZZ(t *testing.T){
 type agg struct{n int; pred,meas,moved,flops float64}
 all:=map[string]*agg{}
 for _,spec:=range strings.Fields(os.Getenv("ZZ")){
  f:=strings.Split(spec,":")
  m,err:=models.Find(f[0]); if err!=nil{t.Fatal(err)}
  b,_:=strconv.Atoi(f[2]); th:=2
  if len(f)>3 {th,_=strconv.Atoi(f[3])}
  c:=ModelCase{Model:m,Train:f[1]=="train",Batch:b,Threads:th,Options:[]vm.Option{vm.WithProfile()}}
  r,err:=c.Start(); if err!=nil{t.Fatal(err)}
  cost,err:=r.Program.Cost(b); if err!=nil{t.Fatal(err)}
  r.Run(2); r.Machine.ResetProfile()
  reps:=3; if cost.Predicted<1e7 {reps=50}
  r.Run(reps)
  p:=r.Machine.Profile(b)
  fmt.Printf("%-28s predicted %8.2f measured %8.2f ratio %.2f\n",spec,float64(cost.Predicted)/1e6,float64(p.Total)/1e6/float64(p.Runs),float64(cost.Predicted)/float64(p.Total)*float64(p.Runs))
  for i,in:=range p.Instructions{
   name:=in.Node.Op.Name()
   if in.FLOPs>0 && strings.HasPrefix(name,"Conv"){ a:=strings.Fields(in.Algo)[0]; name+=" "+a}
   if in.Once {continue}
   a:=all[name]; if a==nil{a=&agg{};all[name]=a}
   a.n++; a.pred+=float64(cost.Instructions[i].Predicted)/1e6; a.meas+=float64(in.Time)/1e6/float64(p.Runs); a.moved+=float64(in.Moved)/1e6; a.flops+=float64(in.FLOPs)/1e6
  }
  r.Close()
 }
 var ks []string; for k:=range all{ks=append(ks,k)}; sort.Slice(ks,func(i,j int)bool{return all[ks[i]].meas>all[ks[j]].meas})
 for _,k:=range ks{a:=all[k]; fmt.Printf("%-32s n %5d pred %9.2f meas %9.2f  ratio %.2f GB/s %.1f GF/s %.1f\n",k,a.n,a.pred,a.meas,a.pred/a.meas,a.moved/a.meas,a.flops/a.meas)}
}
