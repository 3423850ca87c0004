using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

// The loops over rows, blocks and tiles, and what is asked for meanwhile.
internal abstract partial class FewTokensKernel
{
    // Measured: from memory to the second-level cache, so far behind the rows that are asked for in any case.
    private const int AheadBytes = 8 * 1024, PageAheadBytes = 32 * 1024;

    // Of short blocks pages are asked for at every eighth only: each such wish takes time.
    private const int BlocksOfPage = 8;

    // The share that some groups have of a block of the next tile's activations, and of the next panel's rows.
    private int ShareOfActivations => Layout.BlockBytes(Tokens) * GroupsAtOnce / MostGroups;

    private int ShareOfRows => Rows * GroupsAtOnce * Info.BlockBytes;

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble()
    {
        Code.mov(ebp, 0xAAAAAAAA);
        Code.kmovd(k4, ebp);
        Prepare();
        if (Task == FewTokensTask.Stream) StreamRows();
        else if (Task == FewTokensTask.Fill) FillPanel();
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
        ClearSums();
        Code.Label(ref block);
        FindNextBlock();
        Multiply();
        Code.mov(rsi, r15);
        Code.mov(rdx, rbp);
        Code.add(r10, Layout.BlockBytes(Tokens));
        Code.add(r14, Rows * Info.BlockBytes);
        Code.dec(rcx);
        Code.jnz(block);
        KeepSums();
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
        var last = Code.CreateLabel();
        var next = Code.CreateLabel();
        Code.mov(r10, __qword_ptr[rdi + 32]);
        Code.mov(rax, __qword_ptr[rdi + 40]);
        Code.mov(rcx, __qword_ptr[rdi + 48]);
        Code.mov(r14, __qword_ptr[rdi + 56]);
        Code.Label(ref tile);
        Code.mov(r11, __qword_ptr[rdi + 16]);
        Code.mov(rbx, __qword_ptr[rdi + 24]);
        Code.lea(r13, __[r10 + Layout.PanelBytes(Tokens)]);
        Code.Label(ref group);
        if (GroupsAtOnce > 1)
        {
            Code.cmp(rbx, GroupsAtOnce);
            Code.jb(last);
            SendGroups(GroupsAtOnce);
            Code.jnz(group);
            Code.jmp(next);
            Code.Label(ref last);
        }

        SendGroups(1);
        Code.jnz(group);
        Code.Label(ref next);
        Code.add(r10, Layout.PanelBytes(Tokens));
        Code.dec(rcx);
        Code.jnz(tile);
    }

    // Leaves whether there are groups left in the flags.
    private void SendGroups(int groups)
    {
        MultiplyPanel(groups);
        Code.add(r11, groups * ScratchBytes);
        Code.add(rax, groups * Twos * VectorBytes);
        Code.sub(rbx, groups);
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

    /// <summary>Asks for what is multiplied next, little by little, since all at once would hold up what is loaded.</summary>
    /// <param name="step">How much of a block is multiplied.</param>
    /// <param name="steps">In how many steps it is.</param>
    protected void Ask(int step, int steps)
    {
        if (Task == FewTokensTask.Stream)
        {
            // The next rows follow these: while a block of each is multiplied, as many bytes are asked for in reading order.
            foreach (var place in Share(step, steps, Rows * Info.BlockBytes)) Code.prefetcht1(__byte_ptr[r14 + (AheadBytes + place)]);
            if (step == 0) AskForPage();
            return;
        }

        // The next panel's rows follow as well; the first tile asks for them.
        if (Task == FewTokensTask.TileAndAsk) foreach (var place in Share(step, steps, ShareOfRows)) Code.prefetcht1(__byte_ptr[r14 + place]);
        foreach (var place in Share(step, steps, ShareOfActivations)) Code.prefetcht0(__byte_ptr[r13 + place]);
        if (step < steps - 1) return;
        Code.add(r13, ShareOfActivations);
        if (Task == FewTokensTask.TileAndAsk) Code.add(r14, ShareOfRows);
    }

    private void AskForPage()
    {
        if (Info.BlockLength > Group)
        {
            Code.prefetcht1(__byte_ptr[r14 + PageAheadBytes]);
            return;
        }

        var others = Code.CreateLabel();
        Code.test(ecx, BlocksOfPage - 1);
        Code.jnz(others);
        Code.prefetcht1(__byte_ptr[r14 + PageAheadBytes]);
        Code.Label(ref others);
    }

    /// <summary>Asks for the sums of the next tile's groups.</summary>
    protected void AskForSums(int groups, int step = 0, int steps = 1)
    {
        foreach (var place in Share(step, steps, groups * Twos * VectorBytes)) Code.prefetcht0(__byte_ptr[rax + ((MostGroups * Twos * VectorBytes) + place)]);
    }

    // A step's share of the lines of so many bytes.
    private static IEnumerable<int> Share(int step, int steps, int bytes)
    {
        var lines = (bytes + VectorBytes - 1) / VectorBytes;
        for (var line = lines * step / steps; line < lines * (step + 1) / steps; line++) yield return line * VectorBytes;
    }

    // Each token's numbers of eight rows together.
    private void Store()
    {
        Code.mov(rcx, rax);
        Code.vmovdqu64(zmm1, __zmmword_ptr[Constant(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)]);
        for (var token = 0; token < Tokens; token++)
        {
            if (token % 2 == 0) Code.vpermps(zmm0, zmm1, Scratch(Sums, token / 2));
            Code.vextractf64x4(__ymmword_ptr[rcx], zmm0, (byte)(token % 2));
            Code.add(rcx, r12);
        }
    }
}
