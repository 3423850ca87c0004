using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

// The loops over rows, blocks and tiles, and what is asked for meanwhile.
internal abstract partial class FewTokensKernel
{
    // Measured: from memory to the second-level cache, so far behind the rows that are asked for in any case.
    private const int AheadBytes = 8 * 1024, PageAheadBytes = 32 * 1024;

    // A group's share of the next tile's activations.
    private int ShareOfActivations => Layout.BlockBytes(Tokens) / MostGroups;

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble()
    {
        Code.mov(ebp, 0xAAAAAAAA);
        Code.kmovd(k4, ebp);
        Prepare();
        if (_task == FewTokensTask.Stream) StreamRows();
        else if (_task == FewTokensTask.Fill) FillPanel();
        else SendTiles();
        return Kernel.Load();
    }

    // What both arguments begin with.
    private void LoadRows()
    {
        Code.mov(rsi, __qword_ptr[rdi]);
        Code.mov(r8, __qword_ptr[rdi + 8]);
        Code.lea(r9, __[r8 + (r8 * 2)]);
    }

    // FewTokensArguments.
    private void StreamRows()
    {
        var group = Code.CreateLabel();
        var block = Code.CreateLabel();
        LoadRows();
        Code.mov(rax, __qword_ptr[rdi + 24]);
        Code.mov(r12, __qword_ptr[rdi + 32]);
        Code.mov(r11, __qword_ptr[rdi + 40]);
        Code.mov(rbx, __qword_ptr[rdi + 48]);
        Code.lea(rdx, __[rsi + (r8 * 4)]);
        Code.mov(r13, rsi);
        foreach (var step in Begin(rsi, rdx)) step();
        Code.Label(ref group);
        Code.lea(r13, __[r13 + (r8 * 8)]);
        Code.mov(r14, r13);
        Code.mov(r10, __qword_ptr[rdi + 16]);
        Code.mov(rcx, __qword_ptr[rdi + 56]);
        Code.vpxord(zmm0, zmm0, zmm0);
        for (var two = 0; two < Twos; two++) Code.vmovaps(Scratch(Sums, two), zmm0);
        Code.Label(ref block);
        FindNextBlock();
        Multiply();
        ScaleBlock();
        Code.mov(rsi, r15);
        Code.mov(rdx, rbp);
        Code.add(r10, Layout.BlockBytes(Tokens));
        Code.add(r14, Rows * Info.BlockBytes);
        Code.dec(rcx);
        Code.jnz(block);
        Store();
        Code.add(rax, Rows * sizeof(float));
        Code.dec(rbx);
        Code.jnz(group);
    }

    // FewTokensTileArguments.
    private void FillPanel()
    {
        var group = Code.CreateLabel();
        LoadRows();
        Code.mov(r11, __qword_ptr[rdi + 16]);
        Code.mov(rbx, __qword_ptr[rdi + 24]);
        Code.Label(ref group);
        Code.lea(rdx, __[rsi + (r8 * 4)]);
        Fill();
        Code.lea(rsi, __[rsi + (r8 * 8)]);
        Code.add(r11, ScratchBytes);
        Code.dec(rbx);
        Code.jnz(group);
    }

    // FewTokensTileArguments; r13 are the next tile's activations.
    private void SendTiles()
    {
        var tile = Code.CreateLabel();
        var group = Code.CreateLabel();
        Code.mov(r10, __qword_ptr[rdi + 32]);
        Code.mov(rax, __qword_ptr[rdi + 40]);
        Code.mov(rcx, __qword_ptr[rdi + 48]);
        Code.mov(r14, __qword_ptr[rdi + 56]);
        Code.Label(ref tile);
        Code.mov(r11, __qword_ptr[rdi + 16]);
        Code.mov(rbx, __qword_ptr[rdi + 24]);
        Code.lea(r13, __[r10 + Layout.BlockBytes(Tokens)]);
        Code.Label(ref group);
        MultiplyPanel();
        ScaleBlock();
        Code.add(r11, ScratchBytes);
        Code.add(rax, Twos * VectorBytes);
        Code.add(r13, ShareOfActivations);
        if (_task == FewTokensTask.TileAndAsk) Code.add(r14, Rows * Info.BlockBytes);
        Code.dec(rbx);
        Code.jnz(group);
        Code.add(r10, Layout.BlockBytes(Tokens));
        Code.dec(rcx);
        Code.jnz(tile);
    }

    // Of these rows, or the first one of the next rows; the last block of all is its own next one.
    private void FindNextBlock()
    {
        Code.lea(r15, __[rsi + Info.BlockBytes]);
        Code.mov(rbp, r13);
        Code.cmp(rbx, 1);
        Code.cmove(rbp, rsi);
        Code.cmp(rcx, 1);
        Code.cmove(r15, rbp);
        Code.lea(rbp, __[r15 + (r8 * 4)]);
    }

    // What is multiplied next, little by little, since all at once would hold up what is loaded.
    private void Ask(int step)
    {
        switch (_task)
        {
            case FewTokensTask.Stream:
                // The next rows follow these: while a block of each is multiplied, as many bytes are asked for in reading order.
                foreach (var place in Share(step, Rows * Info.BlockBytes)) Code.prefetcht1(__byte_ptr[r14 + (AheadBytes + place)]);
                if (step == 0) Code.prefetcht1(__byte_ptr[r14 + PageAheadBytes]);
                break;
            default:
                // The next panel's rows follow as well; the first tile asks for them.
                if (_task == FewTokensTask.TileAndAsk) foreach (var place in Share(step, Rows * Info.BlockBytes)) Code.prefetcht1(__byte_ptr[r14 + place]);
                foreach (var place in Share(step, ShareOfActivations)) Code.prefetcht0(__byte_ptr[r13 + place]);
                foreach (var place in Share(step, Twos * VectorBytes)) Code.prefetcht0(__byte_ptr[rax + ((MostGroups * Twos * VectorBytes) + place)]);
                break;
        }
    }

    // A step's share of the lines of so many bytes.
    private IEnumerable<int> Share(int step, int bytes)
    {
        var (lines, steps) = ((bytes + VectorBytes - 1) / VectorBytes, Passes * Tokens);
        for (var line = lines * step / steps; line < lines * (step + 1) / steps; line++) yield return line * VectorBytes;
    }

    private void ScaleBlock()
    {
        for (var two = 0; two < Twos; two++)
        {
            var (first, second) = (2 * two, Math.Min(Tokens - 1, (2 * two) + 1));
            AddHalves(zmm0, zmm1, Totals[first], Totals[second]);
            Code.vcvtdq2ps(zmm0, zmm0);
            Scale(first, second);
            var sums = _task == FewTokensTask.Stream ? Scratch(Sums, two) : __zmmword_ptr[rax + (two * VectorBytes)];
            Code.vmovaps(zmm1, sums);
            Code.vfmadd231ps(zmm1, zmm0, __zmmword_ptr[r10 + ((Tokens * Layout.PartBytes) + (two * VectorBytes))]);
            Code.vmovaps(sums, zmm1);
        }
    }

    // Each token's numbers of eight rows together.
    private void Store()
    {
        Code.mov(rcx, rax);
        Code.vmovdqu64(zmm1, __zmmword_ptr[Constant<long>(0, 2, 4, 6, 1, 3, 5, 7)]);
        for (var token = 0; token < Tokens; token++)
        {
            if (token % 2 == 0) Code.vpermpd(zmm0, zmm1, Scratch(Sums, token / 2));
            Code.vextractf64x4(__ymmword_ptr[rcx], zmm0, (byte)(token % 2));
            Code.add(rcx, r12);
        }
    }
}
