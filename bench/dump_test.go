package main
import ("testing";"os";"context")
func TestDump(t *testing.T){ b,_:=watchlistResults(1000); os.WriteFile("/tmp/results.json",b,0o644) }
func BenchmarkResults(b *testing.B){ a,_:=newAnswers(); cs,err:=clients("http://127.0.0.1/api", a); if err!=nil{b.Fatal(err)}; for _,c:=range cs { b.Run(c.name,func(b *testing.B){ b.ReportAllocs(); for b.Loop(){ if err:=c.results(context.Background());err!=nil{b.Fatal(err)} } }) } }
func BenchmarkCheck(b *testing.B){ a,_:=newAnswers(); cs,err:=clients("http://127.0.0.1/api", a); if err!=nil{b.Fatal(err)}; for _,c:=range cs { b.Run(c.name,func(b *testing.B){ b.ReportAllocs(); for b.Loop(){ if err:=c.check(context.Background());err!=nil{b.Fatal(err)} } }) } }
func BenchmarkUpload(b *testing.B){ img:=picture(); a,_:=newAnswers(); cs,err:=clients("http://127.0.0.1/api", a); if err!=nil{b.Fatal(err)}; for _,c:=range cs { b.Run(c.name,func(b *testing.B){ b.ReportAllocs(); for b.Loop(){ if err:=c.upload(context.Background(),img);err!=nil{b.Fatal(err)} } }) } }
